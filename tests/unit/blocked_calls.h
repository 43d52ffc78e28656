/* System calls that block until a signal interrupts them, or for an hour. */
#ifndef BLOCKED_CALLS_H
#define BLOCKED_CALLS_H

struct blocked_call {
    const char *name;
    long (*call)(void); /* in a child, with SIGRTMIN + 3 blocked; returns what the system call returned */
};

enum { CALLS = 33 };
extern const struct blocked_call blocked_calls[CALLS];

#endif
