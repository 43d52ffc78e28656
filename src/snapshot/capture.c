#include "snapshot/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/search.h"
#include "snapshot/copy.h"
#include "snapshot/process_memory.h"
#include "snapshot/regs.h"
#include "proc/status.h"

enum {
    KB = 1024,
    MB = 1024 * KB,
    COPIED_BYTES = 64 * MB,
    USUAL_COPY = 6 * KB, /* most threads use at most this much of their stack */
    OBJECT_BYTES = 64,   /* on both sides of a futex: contains its mutex or condition variable */
};

/* ---- all threads ------------------------------------------------------------------ */

static enum snapshot_state state_of_tracee(const struct tracee *tracee)
{
    if (tracee->state == TRACEE_STUCK)
        return SNAPSHOT_UNSTOPPABLE;
    struct task_status status;
    return task_status_read(tracee->tid, 0, &status) && status.tracer ? SNAPSHOT_TRACED : SNAPSHOT_DENIED;
}

static void take_regs(const struct tracee *tracee, struct snapshot_thread *thread)
{
    *thread = (struct snapshot_thread){.tid = tracee->tid, .syscall_nr = -1};
    if (tracee->state != TRACEE_STOPPED)
        thread->state = state_of_tracee(tracee);
    else
        snapshot_read_regs(thread, !tracee->in_group_stop);
}

static bool may_wait_for_futex(const struct snapshot_thread *thread)
{
#ifdef SYS_restart_syscall
    if (thread->syscall_nr == SYS_restart_syscall)
        return true;
#endif
    return thread->syscall_nr == SYS_futex;
}

static void plan_object(const struct snapshot *snapshot, struct snapshot_arena *arena,
                        struct snapshot_thread *thread)
{
    if (may_wait_for_futex(thread))
        copy_plan(snapshot, arena, &thread->object, thread->syscall_args[0], OBJECT_BYTES, 2 * OBJECT_BYTES);
}

static void fill(const struct snapshot *snapshot, struct snapshot_thread *threads, size_t count)
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

static bool is_kept(const struct tracee *tracee)
{
    return tracee->state == TRACEE_STOPPED || tracee->state == TRACEE_STUCK ||
           tracee->state == TRACEE_REFUSED;
}

static void set_task(struct capture *capture)
{
    for (size_t i = 0; i < capture->stop.count; i++) {
        const struct tracee *tracee = &capture->stop.tracees[i];
        bool is_main = tracee->tid == capture->snapshot->pid;
        if (tracee->state == TRACEE_STOPPED && (is_main || !capture->snapshot->task))
            capture->snapshot->task = tracee->tid;
    }
}

static bool fill_in(struct capture *capture, struct snapshot_arena *arena, uint64_t each)
{
    struct snapshot *snapshot = capture->snapshot;
    snapshot->threads = calloc(capture->stop.count + 1, sizeof(*snapshot->threads));
    if (!snapshot->threads || !address_space_read(&snapshot->space, snapshot->task))
        return false;
    snapshot->complete = capture->stop.complete;
    for (size_t i = 0; i < capture->stop.count; i++) {
        if (!is_kept(&capture->stop.tracees[i]))
            continue;
        struct snapshot_thread *thread = &snapshot->threads[snapshot->count++];
        take_regs(&capture->stop.tracees[i], thread);
        if (thread->state != SNAPSHOT_STOPPED) {
            snapshot->complete = false;
            continue;
        }
        copy_plan(snapshot, arena, &thread->stack, thread->sp, COPY_RED_ZONE, each);
        plan_object(snapshot, arena, thread);
    }
    fill(snapshot, snapshot->threads, snapshot->count);
    return true;
}

void capture_all(struct capture *capture)
{
    const struct snapshot_options *options = capture->options;
    size_t total = options && options->copied_bytes ? options->copied_bytes : COPIED_BYTES;
    /* Allocated before the first thread is seized: from then on each signal stops its thread. */
    size_t count = stop_count_threads(capture->stop.pid);
    uint64_t each = copy_share(total, count);
    size_t expected = count + count / 8 + 16;
    size_t capacity = expected * (each + 2 * OBJECT_BYTES);
    struct snapshot_arena *arena = arena_new(capture->snapshot, capacity, expected * USUAL_COPY);
    if (!stop_list(&capture->stop)) {
        capture->why = errno;
        return;
    }
    stop_begin(&capture->stop, true);
    set_task(capture);
    if (!arena)
        capture->why = ENOMEM;
    else if (capture->snapshot->task) {
        capture->ok = fill_in(capture, arena, each);
        capture->why = capture->ok ? 0 : errno;
    }
    capture->snapshot->parked = capture->stop.park != 0;
    stop_end(&capture->stop);
}

/* ---- more of some threads ----------------------------------------------------------------------- */

static const struct tracee *find_tracee(const struct stop *stop, pid_t tid)
{
    size_t at = SEARCH_FIRST(i, stop->count, stop->tracees[i].tid >= tid);
    return at < stop->count && stop->tracees[at].tid == tid ? &stop->tracees[at] : NULL;
}

static void plan_interrupted(const struct snapshot *snapshot, struct snapshot_arena *arena,
                             struct snapshot_thread *thread, uint64_t address, uint64_t max_size)
{
    const struct snapshot_copy *stack = &thread->stack;
    if (address < stack->start || address - stack->start >= stack->size)
        copy_plan(snapshot, arena, &thread->interrupted, address, COPY_RED_ZONE, max_size);
}

/* The registers, too, unless the thread is parked since the first copy. */
static bool take_regs_again(const struct capture *capture, const struct snapshot_thread *thread,
                            struct snapshot_thread *again)
{
    *again = *thread;
    if (capture->snapshot->parked)
        return thread->state == SNAPSHOT_STOPPED;
    const struct tracee *tracee = find_tracee(&capture->stop, thread->tid);
    if (!tracee || tracee->state != TRACEE_STOPPED)
        return false;
    take_regs(tracee, again);
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
    plan_object(capture->snapshot, arena, &again);
    fill(capture->snapshot, &again, 1);
    /* Its stack may be a mapping that did not exist at the first stop. */
    if (again.stack.size || !thread->stack.size)
        *thread = again;
}

void capture_again(struct capture *capture)
{
    size_t objects = capture->want_count * 2 * OBJECT_BYTES, expected, capacity;
    uint64_t each =
        copy_share_wanted(capture->snapshot, capture->wants, capture->want_count, &expected, &capacity);
    for (size_t i = 0; i < capture->want_count && !capture->snapshot->parked; i++)
        if (!stop_add(&capture->stop, capture->snapshot->threads[capture->wants[i].thread].tid))
            return;
    struct snapshot_arena *arena = arena_new(capture->snapshot, capacity + objects, expected + objects);
    if (!arena)
        return;
    stop_seize(&capture->stop);
    stop_begin(&capture->stop, false);
    for (size_t i = 0; i < capture->want_count; i++)
        capture_thread_again(capture, arena, &capture->wants[i], each);
    stop_end(&capture->stop);
}
