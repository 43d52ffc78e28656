/* Copies more of some threads. */
#include "snapshot/capture.h"
#include "snapshot/capture_thread.h"
#include "snapshot/unstopped.h"

static void plan_interrupted(const struct snapshot *snapshot, struct snapshot_arena *arena,
                             struct snapshot_thread *thread, uint64_t address, uint64_t max_size)
{
    const struct snapshot_copy *stack = &thread->stack;
    if (address < stack->start || address - stack->start >= stack->size)
        copy_plan(snapshot, arena, &thread->interrupted, address, COPY_RED_ZONE, max_size);
}

/* Has it not moved since the first copy, because it is parked or held? */
static bool is_still(const struct snapshot *snapshot, const struct snapshot_thread *thread)
{
    return snapshot->parked || (snapshot->held && !thread->unstopped);
}

/* The registers, too, if the thread may have moved. */
static bool take_regs_again(const struct capture *capture, const struct snapshot_thread *thread,
                            struct snapshot_thread *again)
{
    *again = *thread;
    if (is_still(capture->snapshot, thread))
        return thread->state == SNAPSHOT_STOPPED;
    const struct tracee *tracee = capture_tracee(&capture->stop, thread->tid);
    if (!tracee || (tracee->state != TRACEE_STOPPED && tracee->state != TRACEE_UNSTOPPED))
        return false;
    capture_regs(&capture->stop, tracee, again);
    return again->state == SNAPSHOT_STOPPED;
}

static void capture_thread_again(const struct capture *capture, struct snapshot_arena *arena,
                                 const struct snapshot_want *want, uint64_t each)
{
    struct snapshot_thread *thread = &capture->snapshot->threads[want->thread], again;
    if (!take_regs_again(capture, thread, &again))
        return;
    copy_plan(capture->snapshot, arena, &again.stack, again.sp, COPY_RED_ZONE, each);
    plan_interrupted(capture->snapshot, arena, &again, want->address, each);
    capture_plan_object(capture->snapshot, arena, &again);
    capture_copies(capture->snapshot, &again, 1);
    if (again.unstopped && !unstopped_is_steady(capture->stop.pid, capture_tracee(&capture->stop, again.tid)))
        return;
    if (!is_still(capture->snapshot, thread))
        again.later = thread->later || !again.runs || again.runs != thread->runs;
    /* Its stack may be a mapping that did not exist at the first stop. */
    if (again.stack.size || !thread->stack.size)
        *thread = again;
}

void capture_again(struct capture *capture)
{
    size_t objects = capture->want_count * 2 * OBJECT_BYTES, expected, capacity;
    uint64_t each =
        copy_share_wanted(capture->snapshot, capture->wants, capture->want_count, &expected, &capacity);
    for (size_t i = 0; i < capture->want_count; i++) {
        const struct snapshot_thread *thread = &capture->snapshot->threads[capture->wants[i].thread];
        if (!is_still(capture->snapshot, thread) && !stop_add(&capture->stop, thread->tid))
            return;
    }
    struct snapshot_arena *arena = arena_new(capture->snapshot, capacity + objects, expected + objects);
    if (!arena)
        return;
    stop_seize(&capture->stop);
    stop_begin(&capture->stop, false);
    for (size_t i = 0; i < capture->want_count; i++)
        capture_thread_again(capture, arena, &capture->wants[i], each);
    stop_end(&capture->stop);
}
