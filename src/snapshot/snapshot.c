#include "snapshot/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "snapshot/core.h"
#include "snapshot/look.h"
#include "snapshot/memory.h"
#include "snapshot/regs.h"
#include "snapshot/why.h"
#include "proc/tracer.h"

enum {
    STOP_MS = 200,
    PATIENCE_NS = 400000000, /* with the tracer, before looking after it */
    MAX_ROUNDS = 4,          /* of that with one PTRACE_SEIZE */
    TURN_MS = 3000,          /* for others of us that look at the process */
    MAX_TRIES = 20,          /* where whoever traces it will be gone soon */
    REST_MS = 10,
};

/* ---- the tracing thread ------------------------------------------------------------------ */

/* The frames that a cancelled thread leaves without a return stay marked as in use. */
static void forget_frames(void *arg)
{
    (void)arg;
#if defined(__SANITIZE_ADDRESS__)
    enum { MAX_BYTES = 256 * 1024 };
    __asan_unpoison_memory_region((char *)__builtin_frame_address(0) - MAX_BYTES, MAX_BYTES);
#endif
}

static void *trace(void *arg)
{
    struct job *job = arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_push(forget_frames, NULL);
    if (job->wants)
        snapshot_look_again(job);
    else
        snapshot_look_at_all(job);
    pthread_cleanup_pop(0);
    return NULL;
}

/* 0, or ETIMEDOUT: it had to be given up, and its end has let all go. */
static int join(pthread_t tracer, struct stop *stop)
{
    struct timespec until;
    unsigned before = 0, rounds = 0;
    int why = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    for (;;) {
        until.tv_nsec += PATIENCE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_clockjoin_np(tracer, NULL, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
            return why;
        stop_bury(stop->pid);
        unsigned now = atomic_load(&stop->seizing);
        rounds = now % 2 && now == before ? rounds + 1 : 0;
        before = now;
        if (rounds == MAX_ROUNDS && pthread_cancel(tracer) == 0)
            why = ETIMEDOUT;
    }
}

/* 0 or the errno of starting it. */
static int run(struct job *job)
{
    pthread_t tracer;
    sigset_t all, before;
    unsigned ms = job->options && job->options->stop_ms ? job->options->stop_ms : STOP_MS;
    job->stop.pid = job->snapshot->pid;
    job->stop.wait_ns = (uint64_t)ms * 1000000u;
    int turn = tracer_take_turn(job->stop.pid, TURN_MS);
    sigfillset(&all);
    /* No handler of the program's runs in the tracer, whose stop would last longer. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&tracer, NULL, trace, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why == 0)
        why = join(tracer, &job->stop);
    if (turn >= 0)
        close(turn);
    return why ? why : job->why;
}

/* ---- the snapshot ------------------------------------------------------------------------ */

/* again: another attempt may bring more. */
static enum snapshot_status take_once(pid_t pid, const struct snapshot_options *options,
                                      struct snapshot **snapshot, bool *again, struct error *error)
{
    struct job job = {.snapshot = calloc(1, sizeof(struct snapshot)), .options = options};
    enum snapshot_status status = SNAPSHOT_OK;
    *snapshot = NULL;
    if (pid == getpid()) {
        free(job.snapshot);
        error_set(error, "process %d is this program itself", (int)pid);
        return SNAPSHOT_REFUSED;
    }
    if (job.snapshot) {
        job.snapshot->pid = pid;
        job.snapshot->read = read_process;
        job.why = run(&job);
    }
    if (!job.snapshot) {
        error_set(error, "process %d cannot be looked at: out of memory", (int)pid);
        return SNAPSHOT_FAILED;
    }
    /* A single thread may be refused for good: the others are not stopped over and over. */
    *again = snapshot_is_passing(&job.stop) && (!job.ok || snapshot_tracer(&job.stop) > 0);
    if (job.ok) {
        job.snapshot->stopped_ns = job.stop.stopped_ns;
        for (size_t i = 0; i < job.snapshot->count; i++)
            snapshot_resolve_restarted(job.snapshot, &job.snapshot->threads[i]);
        *snapshot = job.snapshot;
    } else {
        status = snapshot_explain(&job.stop, job.why, error);
        snapshot_free(job.snapshot);
    }
    stop_release(&job.stop);
    return status;
}

enum snapshot_status snapshot_take(pid_t pid, const struct snapshot_options *options,
                                   struct snapshot **snapshot, struct error *error)
{
    for (unsigned tries = 1;; tries++) {
        bool again = false;
        enum snapshot_status status = take_once(pid, options, snapshot, &again, error);
        if (!again || tries == MAX_TRIES)
            return status;
        snapshot_free(*snapshot);
        nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
    }
}

void snapshot_deepen(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count)
{
    struct job job = {.snapshot = snapshot, .wants = wants, .want_count = count};
    if (!count || snapshot->read != read_process)
        return;
    run(&job);
    snapshot->stopped_ns += job.stop.stopped_ns;
    for (size_t i = 0; i < count; i++)
        snapshot_resolve_restarted(snapshot, &snapshot->threads[wants[i].thread]);
    stop_release(&job.stop);
}

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    arena_free_all(snapshot);
    snapshot_core_free(snapshot->core);
    address_space_release(&snapshot->space);
    free(snapshot->threads);
    free(snapshot);
}

const char *snapshot_state_text(enum snapshot_state state)
{
    switch (state) {
    case SNAPSHOT_STOPPED:
        return NULL;
    case SNAPSHOT_UNSTOPPABLE:
        return "does not stop: in an uninterruptible wait, such as vfork's";
    case SNAPSHOT_TRACED:
        return "is traced by another process";
    case SNAPSHOT_DENIED:
        return "may not be traced";
    case SNAPSHOT_FOREIGN:
        return "is of another architecture";
    }
    return NULL;
}
