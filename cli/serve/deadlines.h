/*
 * How long a client may take. libmicrohttpd limits only pauses: a client that sends a byte a second could
 * hold its connection for ever. So each connection has a time by which its request must be complete, and
 * later one by which the answer must have been taken. While an answer is made there is none.
 */
#ifndef THREADLEAK_CLI_SERVE_DEADLINES_H
#define THREADLEAK_CLI_SERVE_DEADLINES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { CONNECTIONS_MAX = 64 };

struct deadline {
    int fd;            /* below 0: free */
    uint64_t until_ns; /* UINT64_MAX: none */
};

struct deadlines {
    pthread_mutex_t lock;
    struct deadline items[CONNECTIONS_MAX + 1];
};

void deadlines_init(struct deadlines *deadlines);
/* seconds 0: none. NULL: there are too many connections; then this one is shut down. */
struct deadline *deadline_begin(struct deadlines *deadlines, int fd, double seconds);
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, double seconds);
/* Before its descriptor is closed. */
void deadline_end(struct deadlines *deadlines, struct deadline *deadline);
/* Shuts down the connections whose time is over. Their owner then closes them. */
void deadlines_enforce(struct deadlines *deadlines);

#endif
