/*
 * How long a client may take. libmicrohttpd limits only pauses: a client that sends a byte a second could
 * hold its connection for ever. So each connection has a time by which its request must be complete, and
 * later one by which the answer must have been taken. While an answer is made there is none.
 *
 * Slow clients do not keep others out either: if there are many connections, a new one takes the place of the
 * one that has waited longest for its client. A client that is not slow is done long before that.
 */
#ifndef THREADLEAK_CLI_SERVE_DEADLINES_H
#define THREADLEAK_CLI_SERVE_DEADLINES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONNECTIONS_KEPT = 64,
    CONNECTIONS_MAX = 128, /* with those that are shut down, until their owner has closed them */
};

enum deadline_phase { DEADLINE_REQUEST, DEADLINE_WORK, DEADLINE_ANSWER, DEADLINE_OVER };

struct deadline {
    int fd; /* below 0: free */
    enum deadline_phase phase;
    uint64_t since_ns, until_ns; /* of the phase; until UINT64_MAX: no limit */
};

struct deadlines {
    pthread_mutex_t lock;
    struct deadline items[CONNECTIONS_MAX + 1];
};

void deadlines_init(struct deadlines *deadlines);
/* For a request. seconds 0: no limit. NULL: there are too many connections; then this one is shut down. */
struct deadline *deadline_begin(struct deadlines *deadlines, int fd, double seconds);
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_phase phase,
                  double seconds);
/* Before its descriptor is closed. */
void deadline_end(struct deadlines *deadlines, struct deadline *deadline);
/* Shuts down the connections whose time is over. Their owner then closes them. */
void deadlines_enforce(struct deadlines *deadlines);

#endif
