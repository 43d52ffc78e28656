#include "snapshot/look.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "snapshot/memory.h"
#include "snapshot/regs.h"
#include "proc/tracer.h"

enum {
    KB = 1024,
    MB = 1024 * KB,
    COPIED_BYTES = 64 * MB,
    USUAL_COPY = 6 * KB, /* most threads have no more than that on their stack */
    RED_ZONE = 128,      /* below sp, in use on x86_64 */
    OBJECT_BYTES = 64,   /* on both sides of a futex: the mutex or condition variable it is in */
};

/* ---- all threads ------------------------------------------------------------------ */

static enum snapshot_state state_of_tracee(const struct tracee *tracee)
{
    if (tracee->state == TRACEE_STUCK)
        return SNAPSHOT_UNSTOPPABLE;
    return status_number(tracee->tid, "TracerPid") > 0 ? SNAPSHOT_TRACED : SNAPSHOT_DENIED;
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

static void plan_stack(const struct snapshot *snapshot, struct snapshot_arena *arena,
                       struct snapshot_thread *thread, uint64_t most)
{
    const struct region *region = address_space_find(&snapshot->space, thread->sp);
    uint64_t below = region && thread->sp - region->start < RED_ZONE ? thread->sp - region->start : RED_ZONE;
    copy_plan(snapshot, arena, &thread->stack, thread->sp - below, most);
}

static void plan_object(const struct snapshot *snapshot, struct snapshot_arena *arena,
                        struct snapshot_thread *thread)
{
    uint64_t futex = thread->syscall_args[0];
    const struct region *region =
        may_wait_for_futex(thread) ? address_space_find(&snapshot->space, futex) : NULL;
    if (!region)
        return;
    uint64_t below = futex - region->start < OBJECT_BYTES ? futex - region->start : OBJECT_BYTES;
    copy_plan(snapshot, arena, &thread->object, futex - below, below + OBJECT_BYTES);
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
        copy_fill(snapshot, copies, planned);
    free(copies);
}

static bool is_of_interest(const struct tracee *tracee)
{
    return tracee->state == TRACEE_STOPPED || tracee->state == TRACEE_STUCK ||
           tracee->state == TRACEE_REFUSED;
}

static void set_task(struct job *job)
{
    for (size_t i = 0; i < job->stop.count; i++) {
        const struct tracee *tracee = &job->stop.tracees[i];
        bool is_main = tracee->tid == job->snapshot->pid;
        if (tracee->state == TRACEE_STOPPED && (is_main || !job->snapshot->task))
            job->snapshot->task = tracee->tid;
    }
}

static bool fill_in(struct job *job, struct snapshot_arena *arena, uint64_t each)
{
    struct snapshot *snapshot = job->snapshot;
    snapshot->threads = calloc(job->stop.count + 1, sizeof(*snapshot->threads));
    if (!snapshot->threads || !address_space_read(&snapshot->space, snapshot->task))
        return false;
    snapshot->complete = job->stop.complete;
    for (size_t i = 0; i < job->stop.count; i++) {
        if (!is_of_interest(&job->stop.tracees[i]))
            continue;
        struct snapshot_thread *thread = &snapshot->threads[snapshot->count++];
        take_regs(&job->stop.tracees[i], thread);
        if (thread->state != SNAPSHOT_STOPPED) {
            snapshot->complete = false;
            continue;
        }
        plan_stack(snapshot, arena, thread, each);
        plan_object(snapshot, arena, thread);
    }
    fill(snapshot, snapshot->threads, snapshot->count);
    return true;
}

void snapshot_look_at_all(struct job *job)
{
    const struct snapshot_options *options = job->options;
    size_t total = options && options->copied_bytes ? options->copied_bytes : COPIED_BYTES;
    /* Before the first is seized: from then on a thread stops for any signal. */
    size_t count = stop_count_threads(job->stop.pid);
    uint64_t each = copy_share(total, count);
    size_t expected = count + count / 8 + 16;
    size_t room = expected * (each + 2 * OBJECT_BYTES);
    struct snapshot_arena *arena = arena_new(job->snapshot, room, expected * USUAL_COPY);
    if (!stop_list(&job->stop)) {
        job->why = errno;
        return;
    }
    stop_begin(&job->stop, true);
    set_task(job);
    if (!arena)
        job->why = ENOMEM;
    else if (job->snapshot->task) {
        job->ok = fill_in(job, arena, each);
        job->why = job->ok ? 0 : errno;
    }
    stop_end(&job->stop);
}

/* ---- more of some ----------------------------------------------------------------------- */

static const struct tracee *find_tracee(const struct stop *stop, pid_t tid)
{
    size_t low = 0, high = stop->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stop->tracees[middle].tid == tid)
            return &stop->tracees[middle];
        if (stop->tracees[middle].tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void plan_interrupted(const struct snapshot *snapshot, struct snapshot_arena *arena,
                             struct snapshot_thread *thread, uint64_t address, uint64_t most)
{
    const struct snapshot_copy *stack = &thread->stack;
    const struct region *region = address_space_find(&snapshot->space, address);
    if (!region || (address >= stack->start && address - stack->start < stack->size))
        return;
    uint64_t below = address - region->start < RED_ZONE ? address - region->start : RED_ZONE;
    copy_plan(snapshot, arena, &thread->interrupted, address - below, most);
}

static void retake(const struct job *job, struct snapshot_arena *arena, const struct snapshot_want *want,
                   uint64_t each)
{
    struct snapshot_thread *thread = &job->snapshot->threads[want->thread], again;
    const struct tracee *tracee = find_tracee(&job->stop, thread->tid);
    if (!tracee || tracee->state != TRACEE_STOPPED)
        return;
    take_regs(tracee, &again);
    if (again.state != SNAPSHOT_STOPPED)
        return;
    plan_stack(job->snapshot, arena, &again, each);
    plan_interrupted(job->snapshot, arena, &again, want->address, each);
    plan_object(job->snapshot, arena, &again);
    fill(job->snapshot, &again, 1);
    /* It may be on a stack by now that is not among the mappings of the first stop. */
    if (again.stack.size || !thread->stack.size)
        *thread = again;
}

void snapshot_look_again(struct job *job)
{
    size_t objects = job->want_count * 2 * OBJECT_BYTES, expected, room;
    uint64_t each = copy_share_wanted(job->snapshot, job->wants, job->want_count, &expected, &room);
    for (size_t i = 0; i < job->want_count; i++)
        if (!stop_add(&job->stop, job->snapshot->threads[job->wants[i].thread].tid))
            return;
    struct snapshot_arena *arena = arena_new(job->snapshot, room + objects, expected + objects);
    if (!arena)
        return;
    stop_seize(&job->stop);
    stop_begin(&job->stop, false);
    for (size_t i = 0; i < job->want_count; i++)
        retake(job, arena, &job->wants[i], each);
    stop_end(&job->stop);
}
