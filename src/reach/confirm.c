/*
 * What is read when the process runs again. A thread that was woken before the copy, and had got no CPU yet,
 * looked as if it waited. So those that were found stuck must still be in their calls. Signals of a thread
 * that was not stopped are the same before and after, if it did not run.
 */
#include <string.h>
#include <time.h>

#include "proc/call.h"
#include "proc/status.h"
#include "reach/caveat.h"
#include "reach/collector.h"
#include "reach/kernel.h"

enum {
    MAX_POLLS = 1000, /* until a thread that was stopped is in its call again */
    PAUSE_NS = 1000000,
    FIRST_OF_LIBC = 32, /* and 33: nptl(7) */
};

static bool is_in_call(const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
    struct task_call call;
    task_call_read(snapshot->pid, thread->tid, &call);
    return call.state == TASK_CALL_BLOCKED && call.sp == thread->sp && call.pc == thread->pc &&
           call.args[0] == thread->syscall_args[0];
}

static bool comes_back(const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
    for (int i = 0; i < MAX_POLLS; i++) {
        if (is_in_call(snapshot, thread))
            return true;
        nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    }
    return false;
}

static bool has_run(const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
    return task_runs_read(snapshot->pid, thread->tid) != thread->runs;
}

static bool still_waits(const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
    if (snapshot->parked)
        return true;
    if (!thread->unstopped)
        return snapshot->held || comes_back(snapshot, thread);
    return is_in_call(snapshot, thread) && !has_run(snapshot, thread);
}

static bool all_still_wait(const struct snapshot *snapshot, const struct reach_thread_result *results)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (results[i].state == REACH_STUCK && !still_waits(snapshot, &snapshot->threads[i]))
            return false;
    return true;
}

/* Pending ones, of a thread that was not stopped. */
static uint64_t unread_signals(const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
    if (thread->state == SNAPSHOT_KERNEL || (thread->state == SNAPSHOT_STOPPED && !thread->unstopped))
        return 0;
    uint64_t signals = reach_kernel_signals(snapshot->pid, thread->tid);
    return signals | (!snapshot->parked && has_run(snapshot, thread)); /* else it may have had some */
}

/* Of those that are not stuck. */
static uint64_t all_unread_signals(const struct snapshot *snapshot, const struct reach_thread_result *results)
{
    uint64_t signals = 0;
    for (size_t i = 0; i < snapshot->count; i++)
        if (results[i].state != REACH_STUCK)
            signals |= unread_signals(snapshot, &snapshot->threads[i]);
    return signals;
}

static bool any_is_stuck(const struct reach_thread_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (results[i].state == REACH_STUCK)
            return true;
    return false;
}

static void forget(struct reach_thread_result *results, size_t count, struct reach_summary *summary,
                   const char *why)
{
    for (size_t i = 0; i < count; i++)
        results[i] = (struct reach_thread_result){.state = REACH_UNCHECKED};
    summary->checked = false;
    summary->why_not = strdup(why);
}

/* Does the process handle a signal that the thread does not block? Not counted: those of libc (nptl(7)), and
 * of the shim, whose handlers restart calls. */
static bool may_be_interrupted(const struct snapshot *snapshot, pid_t tid, uint64_t not_counted)
{
    struct task_status status;
    return !task_status_read(snapshot->pid, tid, &status) ||
           (status.caught & ~status.blocked & ~not_counted) != 0;
}

static void check_handlers(const struct reach_collector *collector, const struct snapshot *snapshot,
                           struct reach_thread_result *results)
{
    const uint64_t of_libc = UINT64_C(3) << (FIRST_OF_LIBC - 1);
    for (size_t i = 0; i < snapshot->count && !snapshot->parked; i++)
        if (results[i].state == REACH_STUCK && collector->image.threads[i].interruptible &&
            may_be_interrupted(snapshot, snapshot->threads[i].tid, of_libc | collector->shim_signals))
            results[i].caveats |= REACH_BIT(HANDLER);
}

void reach_confirm(const struct reach_collector *collector, const struct snapshot *snapshot,
                   struct reach_thread_result *results, struct reach_summary *summary)
{
    if (collector->is_core || !any_is_stuck(results, snapshot->count))
        return;
    if (!all_still_wait(snapshot, results)) {
        summary->moved = true;
        forget(results, snapshot->count, summary, "threads went on while it was checked");
        return;
    }
    check_handlers(collector, snapshot, results);
    uint64_t signals = collector->signals_queued ? all_unread_signals(snapshot, results) : 0;
    if (signals & REACH_SIGNALS_WITH_VALUES)
        forget(results, snapshot->count, summary, REACH_UNREAD_SIGNALS);
    if (!signals || signals & REACH_SIGNALS_WITH_VALUES)
        return;
    summary->caveats |= REACH_BIT(KERNEL);
    for (size_t i = 0; i < snapshot->count; i++)
        if (results[i].state == REACH_STUCK)
            results[i].caveats |= REACH_BIT(KERNEL);
}
