/*
 * Has a running thread not slept for a while? /proc does not say whether a running thread is in a system
 * call. One that goes from call to call sleeps again and again. One that has not slept for milliseconds
 * computes.
 */
#ifndef THREADLEAK_SNAPSHOT_AWAKE_H
#define THREADLEAK_SNAPSHOT_AWAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum awake_state {
    AWAKE_UNKNOWN, /* it has not slept since the first check, which was a moment ago */
    AWAKE_LONG,    /* it has not slept for a while */
    AWAKE_SHORT,   /* it has slept a moment ago */
};

struct awake {
    enum awake_state state;  /* of the last check */
    bool has_slept;          /* since the first check; may be set before it */
    uint64_t since_ns;       /* of the first check after the last sleep; 0: none yet */
    uint64_t sleeps, cpu_ns; /* at that check */
};

/* Checks a thread that runs, or waits for a CPU. Sets `state`. */
void awake_check(struct awake *awake, pid_t pid, pid_t tid);

#endif
