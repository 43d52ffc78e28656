#include "snapshot/capture_thread.h"

#include <stdlib.h>
#include <sys/syscall.h>

#include "base/search.h"
#include "proc/status.h"
#include "snapshot/process_memory.h"
#include "snapshot/regs.h"
#include "snapshot/unstopped.h"

struct tracee *capture_tracee(const struct stop *stop, pid_t tid)
{
    size_t at = SEARCH_FIRST(i, stop->count, stop->tracees[i].tid >= tid);
    return at < stop->count && stop->tracees[at].tid == tid ? &stop->tracees[at] : NULL;
}

static enum snapshot_state state_of_tracee(const struct tracee *tracee)
{
    if (tracee->state == TRACEE_STUCK)
        return SNAPSHOT_UNSTOPPABLE;
    struct task_status status;
    return task_status_read(tracee->tid, 0, &status) && status.tracer ? SNAPSHOT_TRACED : SNAPSHOT_DENIED;
}

void capture_regs(const struct stop *stop, const struct tracee *tracee, struct snapshot_thread *thread)
{
    *thread = (struct snapshot_thread){.tid = tracee->tid, .syscall_nr = -1};
    if (tracee->state == TRACEE_UNSTOPPED)
        unstopped_set_regs(tracee, thread);
    else if (tracee->state == TRACEE_STOPPED) {
        snapshot_read_regs(thread, !tracee->in_group_stop);
        if (stop->park)
            unstopped_set_call(tracee, thread);
    } else
        thread->state = state_of_tracee(tracee);
}

static bool may_wait_for_futex(const struct snapshot_thread *thread)
{
#ifdef SYS_restart_syscall
    if (thread->syscall_nr == SYS_restart_syscall)
        return true;
#endif
    return thread->syscall_nr == SYS_futex;
}

void capture_plan_object(const struct snapshot *snapshot, struct snapshot_arena *arena,
                         struct snapshot_thread *thread)
{
    if (may_wait_for_futex(thread))
        copy_plan(snapshot, arena, &thread->object, thread->syscall_args[0], OBJECT_BYTES, 2 * OBJECT_BYTES);
}

void capture_copies(const struct snapshot *snapshot, struct snapshot_thread *threads, size_t count)
{
    struct snapshot_copy **copies = malloc(3 * count * sizeof(struct snapshot_copy *));
    size_t planned = 0;
    for (size_t i = 0; i < count; i++) {
        struct snapshot_copy *all[] = {&threads[i].stack, &threads[i].interrupted, &threads[i].object};
        for (size_t j = 0; j < 3; j++) {
            if (!copies)
                all[j]->size = 0;
            else if (all[j]->size)
                copies[planned++] = all[j];
        }
    }
    if (copies)
        process_read_copies(snapshot, copies, planned);
    free(copies);
}

void capture_plan(const struct snapshot *snapshot, struct snapshot_arena *arena,
                  struct snapshot_thread *thread, uint64_t each)
{
    copy_plan(snapshot, arena, &thread->stack, thread->sp, COPY_RED_ZONE, each);
    capture_plan_object(snapshot, arena, thread);
}
