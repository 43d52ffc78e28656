/* Current stacks of a live process: by ptrace, else by signals. */
#include "proc/idle.h"
#include "snapshot/snapshot.h"
#include "stacks/from_signals.h"
#include "stacks/stacks.h"

struct stacks *stacks_take(pid_t pid, const struct stacks_options *options, struct error *error)
{
    struct snapshot *snapshot;
    struct stacks *stacks = NULL;
    struct error why = {""};
    struct idle_times idle;
    idle_times_read(&idle, pid);
    enum snapshot_status status = snapshot_take(pid, NULL, &snapshot, &why);
    if (status == SNAPSHOT_OK) {
        stacks = stacks_from_snapshot(snapshot, STACK_SOURCE_PTRACE, options, error);
        snapshot_free(snapshot);
    }
    for (size_t i = 0; stacks && i < stacks->count; i++)
        if (stacks->threads[i].stack && !stacks->threads[i].wait.running)
            stacks->threads[i].idle_s = idle_time_of(&idle, stacks->threads[i].tid);
    idle_times_release(&idle);
    if (status == SNAPSHOT_OK)
        return stacks;
    if (status == SNAPSHOT_GONE) {
        *error = why;
        return NULL;
    }
    /* A debugger would stop at the signal that asks the threads. */
    stacks = options->ledger && status != SNAPSHOT_BUSY ? stacks_from_signals(pid, &why, options) : NULL;
    if (!stacks)
        stacks = stacks_none(why.text);
    if (!stacks)
        error_set(error, "out of memory");
    return stacks;
}
