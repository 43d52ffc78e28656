#include "snapshot/capture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "base/clock.h"
#include "base/event.h"
#include "proc/tracer.h"

enum {
    STACK_SIZE = 8 << 20, /* of the tracing thread: the default is RLIMIT_STACK, which may be small */
    STOP_MS = 200,
    PATIENCE_NS = 400000000, /* between two checks of the tracing thread */
    MAX_ROUNDS = 4,          /* number of checks that find it in the same PTRACE_SEIZE */
    TURN_MS = 3000,          /* time for another threadleak that traces the process */
    MAX_HELD = 1000,         /* processes; each needs a thread */
};

struct snapshot_hold {
    struct snapshot_hold *next;
    pthread_t tracer;
    struct event captured;
    sem_t release;
    struct stop stop; /* of the threads that are held */
    bool held;
};

struct tracing {
    struct capture *capture;
    struct snapshot_hold *hold; /* NULL: the process goes on */
    struct event *captured;     /* also by a cancelled thread */
};

/* ---- the tracing thread ------------------------------------------------------------------ */

/* A cancelled thread does not return from its functions, so AddressSanitizer still marks their frames as in
 * use. */
static void forget_frames(void *arg)
{
    event_set(arg);
#if defined(__SANITIZE_ADDRESS__)
    enum { MAX_BYTES = 256 * 1024 };
    __asan_unpoison_memory_region((char *)__builtin_frame_address(0) - MAX_BYTES, MAX_BYTES);
#endif
}

/* While another tracer is about to detach from a thread, the caller tries again. */
static void begin_hold(struct capture *capture, struct snapshot_hold *hold)
{
    struct stop *stop = &capture->stop, *kept = &hold->stop;
    size_t size = stop->count * sizeof(*stop->tracees);
    stop->stopped_ns = stop->began_ns ? now_ns() - stop->began_ns : 0;
    kept->tracees = capture->ok && size && !snapshot_is_passing(stop) ? malloc(size) : NULL;
    if (!kept->tracees)
        return;
    memcpy(kept->tracees, stop->tracees, size);
    kept->pid = stop->pid;
    kept->count = stop->count;
    hold->held = capture->snapshot->held = true;
}

/* From the event on, `capture` may not exist any more. */
static void hold_until_release(struct capture *capture, struct snapshot_hold *hold)
{
    begin_hold(capture, hold);
    bool held = hold->held;
    if (!held)
        stop_end(&capture->stop);
    event_set(&hold->captured);
    while (held && sem_wait(&hold->release) != 0)
        ;
    if (held)
        stop_end(&hold->stop);
}

static void *run_capture(void *arg)
{
    const struct tracing tracing = *(const struct tracing *)arg;
    struct capture *capture = tracing.capture;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_push(forget_frames, tracing.captured);
    if (capture->wants)
        capture_again(capture);
    else
        capture_all(capture);
    pthread_cleanup_pop(0);
    if (tracing.hold)
        hold_until_release(capture, tracing.hold);
    else
        event_set(tracing.captured);
    return NULL;
}

/* ---- the thread that waits for it ---------------------------------------------------------- */

/* ETIMEDOUT: it still works. */
static int wait_for_capture(pthread_t tracer, const struct tracing *tracing, const struct timespec *until)
{
    if (!event_wait(tracing->captured, until))
        return ETIMEDOUT;
    return tracing->hold && tracing->hold->held ? 0 : pthread_join(tracer, NULL);
}

/* 0, or ETIMEDOUT: the tracing thread did not return and was cancelled. Its end released all tracees. */
static int join(pthread_t tracer, const struct tracing *tracing, struct stop *stop)
{
    struct timespec until;
    unsigned before = 0, rounds = 0;
    int why = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    for (;;) {
        until.tv_nsec += PATIENCE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (wait_for_capture(tracer, tracing, &until) != ETIMEDOUT)
            return why;
        unsigned now = atomic_load(&stop->seizing);
        if (now % 2 && now == before)
            stop_reap(stop->pid);
        rounds = now % 2 && now == before ? rounds + 1 : 0;
        before = now;
        if (rounds == MAX_ROUNDS && pthread_cancel(tracer) == 0)
            why = ETIMEDOUT;
    }
}

static struct snapshot_hold *hold_new(const struct snapshot_options *options)
{
    bool wanted = options && options->holds && options->holds->count < MAX_HELD;
    struct snapshot_hold *hold = wanted ? calloc(1, sizeof(*hold)) : NULL;
    if (!hold)
        return NULL;
    sem_init(&hold->release, 0, 0);
    return hold;
}

static void hold_free(struct snapshot_hold *hold)
{
    stop_release(&hold->stop);
    sem_destroy(&hold->release);
    free(hold);
}

static void hold_keep(struct snapshot_hold *hold, pthread_t tracer, struct snapshot_holds *holds)
{
    if (!hold->held) {
        hold_free(hold);
        return;
    }
    hold->tracer = tracer;
    hold->next = holds->first;
    holds->first = hold;
    holds->count++;
}

void snapshot_holds_release(struct snapshot_holds *holds)
{
    for (struct snapshot_hold *hold = holds->first; hold; hold = hold->next)
        sem_post(&hold->release);
    while (holds->first) {
        struct snapshot_hold *hold = holds->first;
        holds->first = hold->next;
        pthread_join(hold->tracer, NULL);
        hold_free(hold);
    }
    holds->count = 0;
}

int tracing_run(struct capture *capture)
{
    struct snapshot_hold *hold = hold_new(capture->options);
    struct event captured = {0};
    struct tracing tracing = {capture, hold, hold ? &hold->captured : &captured};
    pthread_t tracer;
    sigset_t all, before;
    unsigned ms = capture->options && capture->options->stop_ms ? capture->options->stop_ms : STOP_MS;
    capture->stop.pid = capture->snapshot->pid;
    capture->stop.wait_ns = (uint64_t)ms * 1000000u;
    if (capture->options) {
        capture->stop.tasks = capture->options->tasks;
        capture->stop.park = capture->options->park;
        capture->stop.park_not = capture->options->park_not;
    }
    capture->hold = hold != NULL;
    int turn = tracer_take_turn(capture->stop.pid, TURN_MS);
    sigfillset(&all);
    /* A signal handler that ran in the tracing thread would make the stop longer. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int why = pthread_create(&tracer, &attributes, run_capture, &tracing);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why == 0)
        why = join(tracer, &tracing, &capture->stop);
    if (hold)
        hold_keep(hold, tracer, capture->options->holds);
    if (turn >= 0)
        close(turn);
    return why ? why : capture->why;
}
