/* System calls that a thread can be blocked in. */
#ifndef THREADLEAK_WAIT_CALL_H
#define THREADLEAK_WAIT_CALL_H

#include <stdint.h>

#include "snapshot/snapshot.h"

enum call_kind {
    CALL_OTHER,
    CALL_FUTEX,
    CALL_FILE, /* on one descriptor */
    CALL_OPEN, /* of a path */
    CALL_POLL,
    CALL_SELECT,
    CALL_EPOLL,
    CALL_SIGNAL,
    CALL_SLEEP,
    CALL_CHILD,
    CALL_SEMOP,
};

/* How a call's timeout is given, and as what. */
enum call_time {
    TIME_NONE,     /* it has none */
    TIME_UNKNOWN,  /* not an argument: SO_RCVTIMEO, VTIME… */
    TIME_MS,       /* a number; negative: none */
    TIME_RELATIVE, /* a struct timespec */
    TIME_LEFT,     /* the kernel writes into the timespec what is left when the call is interrupted */
    TIME_LEFT_US,  /* the same in a struct timeval */
    TIME_ABSOLUTE,
};

struct wait_call {
    enum call_kind kind;
    const char *verb; /* "read of"; of CALL_OTHER: what it is, or NULL */
    int arg;          /* number of the descriptor's, path's or set's argument; -1: none */
    enum call_time time;
    uint64_t timeout; /* address, or the number itself */
    uint64_t left;    /* address of what is left; 0: nowhere */
    int clock;        /* of TIME_ABSOLUTE */
};

struct wait_call wait_call_of(const struct snapshot_thread *thread);

#endif
