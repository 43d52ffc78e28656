#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/process_memory.h"
#include "snapshot/source.h"

/* What is not in the copies has changed since: the callers in it are missing. */
static const struct snapshot_source sampled_source = {
    .read = process_read,
    .find_file = process_find_file,
    .living_task = process_living_task,
};

static void set_thread(struct snapshot_thread *thread, const struct snapshot_sample *sample)
{
    *thread = (struct snapshot_thread){.tid = sample->tid, .state = SNAPSHOT_STOPPED, .syscall_nr = -1};
    memcpy(thread->regs, sample->regs, sizeof(thread->regs));
    thread->pc = sample->regs[SNAPSHOT_REG_PC];
    thread->sp = sample->regs[SNAPSHOT_REG_SP];
    thread->stack = (struct snapshot_copy){thread->sp, sample->stack_size, sample->stack};
}

enum snapshot_status snapshot_of_samples(pid_t pid, const struct snapshot_sample *samples, size_t count,
                                         struct snapshot **snapshot, struct error *error)
{
    struct snapshot *made = calloc(1, sizeof(*made));
    *snapshot = NULL;
    if (!made || !(made->threads = calloc(count + 1, sizeof(*made->threads)))) {
        free(made);
        error_set(error, "process %d: out of memory", (int)pid);
        return SNAPSHOT_FAILED;
    }
    made->pid = pid;
    made->source = &sampled_source;
    made->count = count;
    for (size_t i = 0; i < count; i++)
        set_thread(&made->threads[i], &samples[i]);
    if (address_space_of_process(&made->space, pid, &made->task) && made->space.count) {
        *snapshot = made;
        return SNAPSHOT_OK;
    }
    bool refused = errno == EACCES || errno == EPERM;
    snapshot_free(made);
    error_set(error, "process %d: its memory map cannot be read", (int)pid);
    return refused ? SNAPSHOT_REFUSED : SNAPSHOT_GONE;
}
