/*
 * Since when each thread of a live process has not run, from sample to sample. Nothing is stopped. The time
 * begins with the first sample that finds a thread asleep, so it is never longer than its wait.
 */
#ifndef THREADLEAK_EVIDENCE_SLEEPS_H
#define THREADLEAK_EVIDENCE_SLEEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sleep {
    pid_t tid;
    uint64_t start_ticks, runs; /* of the thread (proc/tasks.h): it is the same, and has not run since */
    uint64_t since_ns;
};

struct sleeps {
    struct sleep *items; /* by ascending tid; those that sleep */
    size_t count;
};

/* `sleeps` begins with zeros. False: it could not be read; then it stays as it was. */
bool sleeps_read(struct sleeps *sleeps, pid_t pid, uint64_t now_ns);
void sleeps_release(struct sleeps *sleeps);

#endif
