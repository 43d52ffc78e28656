#include "snapshot/capture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "proc/tracer.h"

enum {
    STOP_MS = 200,
    PATIENCE_NS = 400000000, /* between two checks of the tracing thread */
    MAX_ROUNDS = 4,          /* number of checks that find it in the same PTRACE_SEIZE */
    TURN_MS = 3000,          /* time for another threadleak that traces the process */
};

/* A cancelled thread does not return from its functions, so AddressSanitizer still marks their frames as in
 * use. */
static void forget_frames(void *arg)
{
    (void)arg;
#if defined(__SANITIZE_ADDRESS__)
    enum { MAX_BYTES = 256 * 1024 };
    __asan_unpoison_memory_region((char *)__builtin_frame_address(0) - MAX_BYTES, MAX_BYTES);
#endif
}

static void *run_capture(void *arg)
{
    struct capture *capture = arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_push(forget_frames, NULL);
    if (capture->wants)
        capture_again(capture);
    else
        capture_all(capture);
    pthread_cleanup_pop(0);
    return NULL;
}

/* 0, or ETIMEDOUT: the tracing thread did not return and was cancelled. Its end released all tracees. */
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
        unsigned now = atomic_load(&stop->seizing);
        if (now % 2 && now == before)
            stop_reap(stop->pid);
        rounds = now % 2 && now == before ? rounds + 1 : 0;
        before = now;
        if (rounds == MAX_ROUNDS && pthread_cancel(tracer) == 0)
            why = ETIMEDOUT;
    }
}

int tracing_run(struct capture *capture)
{
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
    int turn = tracer_take_turn(capture->stop.pid, TURN_MS);
    sigfillset(&all);
    /* A signal handler that ran in the tracing thread would make the stop longer. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&tracer, NULL, run_capture, capture);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why == 0)
        why = join(tracer, &capture->stop);
    if (turn >= 0)
        close(turn);
    return why ? why : capture->why;
}
