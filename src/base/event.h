/* One thread waits until another has done something. */
#ifndef THREADLEAK_BASE_EVENT_H
#define THREADLEAK_BASE_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* It begins as {0}. It happens once, and stays so. */
struct event {
    _Atomic uint32_t happened;
};

void event_set(struct event *event);
/* False: it has not happened at `until`, a time of CLOCK_MONOTONIC. sem_clockwait() is newer than glibc 2.17,
 * and a time of CLOCK_REALTIME moves when the clock is set. */
bool event_wait(struct event *event, const struct timespec *until);

#endif
