#include "snapshot/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "snapshot/capture_thread.h"
#include "snapshot/regs.h"
#include "snapshot/unstopped.h"

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
};

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
        capture_regs(stop, tracee, thread);
        if (thread->state == SNAPSHOT_UNSTEADY)
            continue;
        if (thread->state != SNAPSHOT_STOPPED)
            return;
        capture_plan(capture->snapshot, arena, thread, each);
        capture_copies(capture->snapshot, thread, 1);
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
        struct tracee *tracee = capture_tracee(&capture->stop, thread->tid);
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
        capture_regs(&capture->stop, &capture->stop.tracees[i], thread);
        if (thread->state == SNAPSHOT_STOPPED)
            capture_plan(snapshot, arena, thread, each);
    }
    capture_copies(snapshot, snapshot->threads, snapshot->count);
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
