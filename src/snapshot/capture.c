#include "snapshot/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "base/search.h"
#include "snapshot/copy.h"
#include "snapshot/unstopped.h"
#include "snapshot/process_memory.h"
#include "snapshot/regs.h"
#include "proc/status.h"

enum {
    KB = 1024,
    MB = 1024 * KB,
    COPIED_BYTES = 64 * MB,
    USUAL_COPY = 6 * KB, /* most threads use at most this much of their stack */
    MAX_CHECKED = 1000,  /* threads that are checked while the others are stopped: 6 us each */
    MAX_TRIES = 20,      /* for a thread that goes from call to call, when the patience is over */
    PAUSE_NS = 50000,
    PATIENCE_NS = 10000000,      /* sum of the pauses, for all threads that go from call to call */
    LONGEST_STOP_NS = 200000000, /* with pauses: on a busy machine each can take much longer */
    OBJECT_BYTES = 64,           /* on both sides of a futex: contains its mutex or condition variable */
};

static struct tracee *find_tracee(const struct stop *stop, pid_t tid)
{
    size_t at = SEARCH_FIRST(i, stop->count, stop->tracees[i].tid >= tid);
    return at < stop->count && stop->tracees[at].tid == tid ? &stop->tracees[at] : NULL;
}

/* ---- all threads ------------------------------------------------------------------ */

static enum snapshot_state state_of_tracee(const struct tracee *tracee)
{
    if (tracee->state == TRACEE_STUCK)
        return SNAPSHOT_UNSTOPPABLE;
    struct task_status status;
    return task_status_read(tracee->tid, 0, &status) && status.tracer ? SNAPSHOT_TRACED : SNAPSHOT_DENIED;
}

static void take_regs(const struct stop *stop, const struct tracee *tracee, struct snapshot_thread *thread)
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
           tracee->state == TRACEE_REFUSED || tracee->state == TRACEE_UNSTOPPED;
}

/* Without ptrace only the stacks of threads that are left running can be copied. A signal
 * capture has more. */
static bool is_refused(const struct stop *stop)
{
    size_t stopped = 0, refused = 0;
    for (size_t i = 0; i < stop->count; i++) {
        stopped += stop->tracees[i].state == TRACEE_STOPPED;
        refused += stop->tracees[i].state == TRACEE_REFUSED;
    }
    return refused && !stopped;
}

static void set_task(struct capture *capture)
{
    for (size_t i = 0; i < capture->stop.count; i++) {
        const struct tracee *tracee = &capture->stop.tracees[i];
        bool is_main = tracee->tid == capture->snapshot->pid;
        bool has = tracee->state == TRACEE_STOPPED || tracee->state == TRACEE_UNSTOPPED;
        if (has && (is_main || !capture->snapshot->task))
            capture->snapshot->task = tracee->tid;
    }
}

/* ---- threads that are left running ---- */

static void plan(const struct snapshot *snapshot, struct snapshot_arena *arena,
                 struct snapshot_thread *thread, uint64_t each)
{
    copy_plan(snapshot, arena, &thread->stack, thread->sp, COPY_RED_ZONE, each);
    plan_object(snapshot, arena, thread);
}

/* False: that would stop the other threads for too long. */
static bool pause_a_moment(struct capture *capture)
{
    uint64_t began = capture->stop.began_ns; /* 0: none is stopped */
    if (capture->paused_ns >= PATIENCE_NS || (began && now_ns() - began > LONGEST_STOP_NS))
        return false;
    nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    capture->paused_ns += PAUSE_NS;
    return true;
}

/* The thread is no longer in that call. It is stopped if that is possible now. Its stack is copied again in
 * both cases. */
static void take_moved(struct capture *capture, struct snapshot_arena *arena, struct tracee *tracee,
                       struct snapshot_thread *thread, uint64_t each)
{
    struct stop *stop = &capture->stop;
    size_t used = arena->used;
    for (int tries = 0; tries < MAX_TRIES; tries += !pause_a_moment(capture)) {
        arena->used = used;
        unstopped_choose_one(stop->pid, tracee);
        if (tracee->state == TRACEE_NEW) {
            tracee_seize(tracee, stop->pid, &stop->seizing);
            stop_seized(stop);
        }
        if (tracee->state == TRACEE_ENDED)
            return;
        take_regs(stop, tracee, thread);
        if (thread->state == SNAPSHOT_UNSTEADY)
            continue;
        if (thread->state != SNAPSHOT_STOPPED)
            return;
        plan(capture->snapshot, arena, thread, each);
        fill(capture->snapshot, thread, 1);
        if (tracee->state == TRACEE_STOPPED || unstopped_is_steady(stop->pid, tracee))
            return;
    }
    thread->state = SNAPSHOT_UNSTEADY;
}

/* Checks that threads that are left running stayed in their calls, and takes those again that did not. False:
 * one did not, and has created a thread. */
static bool check_unstopped(struct capture *capture, struct snapshot_arena *arena, uint64_t each)
{
    struct snapshot *snapshot = capture->snapshot;
    size_t kept = 0;
    bool moved = false;
    unstopped_set_moved(capture->stop.pid, capture->stop.tracees, capture->stop.count);
    for (size_t i = 0; i < snapshot->count; i++) {
        struct snapshot_thread *thread = &snapshot->threads[i];
        struct tracee *tracee = find_tracee(&capture->stop, thread->tid);
        if (tracee->moved) {
            take_moved(capture, arena, tracee, thread, each);
            thread->later = true;
            moved = true;
        }
        if (tracee->state != TRACEE_ENDED)
            snapshot->threads[kept++] = *thread;
    }
    snapshot->count = kept;
    return !moved || stop_knows_all(&capture->stop);
}

/* All kept threads, and their stacks. all: no thread is missing. */
static bool fill_in(struct capture *capture, struct snapshot_arena *arena, uint64_t each, bool *all)
{
    struct snapshot *snapshot = capture->snapshot;
    snapshot->threads = calloc(capture->stop.count + 1, sizeof(*snapshot->threads));
    if (!snapshot->threads || !address_space_read(&snapshot->space, snapshot->task))
        return false;
    for (size_t i = 0; i < capture->stop.count; i++) {
        if (!is_kept(&capture->stop.tracees[i]))
            continue;
        struct snapshot_thread *thread = &snapshot->threads[snapshot->count++];
        take_regs(&capture->stop, &capture->stop.tracees[i], thread);
        if (thread->state == SNAPSHOT_STOPPED)
            plan(snapshot, arena, thread, each);
    }
    fill(snapshot, snapshot->threads, snapshot->count);
    *all = snapshot->count > MAX_CHECKED || check_unstopped(capture, arena, each);
    snapshot->complete = capture->stop.complete && *all;
    for (size_t i = 0; i < snapshot->count; i++)
        snapshot->complete &=
            snapshot->threads[i].state == SNAPSHOT_STOPPED || snapshot->threads[i].state == SNAPSHOT_KERNEL;
    return true;
}

static void forget(struct snapshot *snapshot, struct snapshot_arena *arena)
{
    address_space_release(&snapshot->space);
    free(snapshot->threads);
    snapshot->threads = NULL;
    snapshot->count = 0;
    arena->used = 0;
}

/* Threads that are left running may create others until they are stopped, too. */
static void stop_and_fill(struct capture *capture, struct snapshot_arena *arena, uint64_t each)
{
    bool all = false;
    for (int tries = 0; !all && tries < MAX_TRIES; tries++) {
        if (tries)
            forget(capture->snapshot, arena);
        stop_begin(&capture->stop, true);
        if (!is_refused(&capture->stop))
            set_task(capture);
        capture->ok = capture->snapshot->task && fill_in(capture, arena, each, &all);
        if (!capture->ok) {
            capture->why = capture->snapshot->task ? errno : 0;
            return;
        }
    }
}

/* A thread that has not run since then has its stack of that moment. */
static void check_later(struct capture *capture, struct snapshot_arena *arena, uint64_t each)
{
    uint64_t stopped_ns = capture->stop.stopped_ns;
    capture->snapshot->complete &= check_unstopped(capture, arena, each);
    if (!capture->hold)
        stop_end(&capture->stop); /* the few that were stopped */
    capture->stop.stopped_ns = stopped_ns;
}

/* Returns whether no thread that was left running has run. */
static bool call_while_stopped(struct capture *capture)
{
    const struct snapshot_options *options = capture->options;
    if (!capture->ok || !options || !options->while_stopped)
        return false;
    for (size_t i = 0; i < capture->snapshot->count; i++)
        snapshot_resolve_restarted(capture->snapshot, &capture->snapshot->threads[i]);
    return options->while_stopped(capture->snapshot, options->arg);
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
    if (arena)
        stop_and_fill(capture, arena, each);
    bool steady = call_while_stopped(capture);
    if (!arena)
        capture->why = ENOMEM;
    capture->snapshot->parked = capture->stop.park != 0;
    if (!capture->hold)
        stop_end(&capture->stop);
    if (capture->ok && capture->snapshot->count > MAX_CHECKED && !capture->stop.park && !steady)
        check_later(capture, arena, each);
}

/* ---- more of some threads ----------------------------------------------------------------------- */

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
    const struct tracee *tracee = find_tracee(&capture->stop, thread->tid);
    if (!tracee || (tracee->state != TRACEE_STOPPED && tracee->state != TRACEE_UNSTOPPED))
        return false;
    take_regs(&capture->stop, tracee, again);
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
    if (again.unstopped && !unstopped_is_steady(capture->stop.pid, find_tracee(&capture->stop, again.tid)))
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
