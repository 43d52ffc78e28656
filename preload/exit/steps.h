/* Steps of a judged end: grace.c, final_sample.c.  See also streams.h and park.h. */
#ifndef THREADLEAK_PRELOAD_EXIT_STEPS_H
#define THREADLEAK_PRELOAD_EXIT_STEPS_H

#include "preload/shim/state.h"

/* The grace period: threads that are about to end are not leaks.  goleak's schedule: 20 checks, 1 µs doubling
 * to 100 ms. */
struct grace {
    uint64_t left_us, next_us, spent_us;
};

static inline struct grace grace_of(const struct options *options)
{
    return (struct grace){.left_us = options->grace_ms * 1000ull, .next_us = 1};
}

/* Pauses before the next check. False: the time is over. */
bool grace_step(struct grace *grace);

/* Is there another thread that could still join or end something? */
bool grace_others_run(const struct shim_state *state);

/* Sleeps, also if a signal interrupts it. This is not a cancellation point. */
void grace_pause(uint64_t us);

/* At an end: waits until no thread is a leak, or no thread can change that, or grace_ms is over. */
void grace_wait(const struct shim_state *state);

/* If another thread reports its abort: waits until that can have ended the process. */
void grace_abort(const struct shim_state *state);

/* Records name, state and CPU time of each thread, and the untracked threads. Call it before the process
 * ends: later they cannot be read. */
void final_sample(struct shim_state *state);

#endif
