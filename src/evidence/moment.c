#include "evidence/moment.h"

/* CLOCK_MONOTONIC; 0: unknown. */
static uint64_t began_ns(const struct evidence *evidence, pid_t tid)
{
    if (!evidence->ledger)
        return 0;
    if (tid == evidence->pid)
        return ledger_get_header(evidence->ledger)->started_ns;
    const struct ledger_slot *slot = thread_index_find(&evidence->threads, tid);
    return slot ? slot->created_ns : 0;
}

static double seconds_between(uint64_t from, uint64_t to)
{
    return to > from ? (double)(to - from) / 1e9 : 0;
}

/* The time that was left at the moment, or when the wait began, if that was later. */
static void align_left(struct thread_stack *thread, double later)
{
    struct wait *wait = &thread->wait;
    double over = thread->idle_s < later ? thread->idle_s : later;
    if (over > 0 && wait->left_s >= 0)
        wait_set_left(wait, wait->left_s + over);
}

void moment_align(struct evidence *evidence)
{
    struct stacks *stacks = evidence->stacks;
    uint64_t now = evidence->now_ns;
    for (size_t i = 0; stacks && now && i < stacks->count; i++) {
        struct thread_stack *thread = &stacks->threads[i];
        if (thread->idle_s < 0)
            continue;
        double later = stacks->moment_ns ? seconds_between(now, stacks->moment_ns) : 0;
        uint64_t began = began_ns(evidence, thread->tid);
        align_left(thread, later);
        thread->idle_s = thread->idle_s > later ? thread->idle_s - later : 0;
        if (began && thread->idle_s > seconds_between(began, now))
            thread->idle_s = seconds_between(began, now);
    }
}
