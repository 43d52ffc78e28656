#include "evidence/untracked_find.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "evidence/untracked.h"
#include "proc/clocks.h"

/*
 * The ledger lacks threads that have just begun or are about to end. On a busy machine this takes up to a
 * second. So tasks and ledger are read again, with growing pauses, while anything changes.
 */
#define PAUSE_FIRST_MS 2
#define PAUSE_STEADY_MS 16 /* after this time without a change, no other is expected */
#define PAUSE_LAST_MS 512

static struct read_times read_times(pid_t pid)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (struct read_times){(uint64_t)boot.tv_sec, process_now_ns(pid) / 1000000000u,
                               (uint64_t)sysconf(_SC_CLK_TCK)};
}

/* Tasks that cannot be read again are not reported, because they may have ended. */
static bool read_again(pid_t pid, struct task_list *untracked, struct thread_index *index, uint64_t *ended)
{
    struct task_list tasks = {0};
    struct ledger *ledger = NULL;
    struct error error;
    bool read = process_tasks(pid, &tasks) && ledger_open_process(pid, &ledger, &error) == LEDGER_OPEN_OK;
    thread_index_release(index);
    bool done = thread_index_read(index, ledger);
    if (read && done) {
        *ended = ledger_count_ended(ledger);
        untracked_keep_lasting(untracked, &tasks, ledger_get_header(ledger)->end_tid);
        untracked_keep(untracked, pid, index);
    } else {
        untracked->count = 0;
    }
    ledger_close(ledger);
    task_list_release(&tasks);
    return done;
}

static bool read_until_steady(const struct evidence *evidence, struct task_list *untracked,
                              struct thread_index *index)
{
    uint64_t ended = ledger_count_ended(evidence->ledger);
    for (long pause = PAUSE_FIRST_MS; untracked->count && pause <= PAUSE_LAST_MS; pause *= 2) {
        size_t count = untracked->count;
        uint64_t before = ended;
        nanosleep(&(struct timespec){0, pause * 1000000}, NULL);
        if (!read_again(evidence->pid, untracked, index, &ended))
            return false;
        const struct read_times now = read_times(evidence->pid);
        bool steady = untracked->count == count && ended == before;
        if (untracked_are_old(untracked, &now) || (steady && pause >= PAUSE_STEADY_MS))
            break;
    }
    return true;
}

bool untracked_find(struct evidence *evidence)
{
    const struct task_list *tasks = &evidence->tasks;
    struct task_list *untracked = &evidence->untracked;
    struct thread_index latest = {.slots = NULL};
    untracked->tasks = calloc(tasks->count, sizeof(*tasks->tasks));
    if (!untracked->tasks)
        return false;
    memcpy(untracked->tasks, tasks->tasks, tasks->count * sizeof(*tasks->tasks));
    untracked->count = tasks->count;
    untracked_keep(untracked, evidence->pid, &evidence->threads);
    if (!evidence->ledger)
        return true;
    bool done = read_until_steady(evidence, untracked, &latest);
    const struct read_times now = read_times(evidence->pid);
    if (done)
        untracked_leave_out_not_begun(untracked, latest.slots ? &latest : &evidence->threads, &now);
    thread_index_release(&latest);
    return done;
}
