/*
 * Locks of libunwind, while it unwinds a stack that a signal interrupted.
 *
 * A thread holds them for a microsecond, and takes no other lock meanwhile. But it can lose its CPU, be
 * stopped, or leave by a handler of the program that does not return after a fault. So the interrupted thread
 * tries to lock for a short time, and then gives up the walk.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_WALK_H
#define THREADLEAK_PRELOAD_BACKTRACE_WALK_H

#include <pthread.h>
#include <stdint.h>

struct capture_walk {
    uintptr_t readable; /* a page that is readable; 0: none yet */
    unsigned held;      /* number of locks of libunwind */
    void *given_up[5];  /* of __builtin_setjmp: continues a walk that gets no lock */
};

/* Called by libunwind instead of pthread_mutex_lock and _unlock. libc: a handle of dlopen. NULL: another
 * name, or libc does not have the functions. */
void *walk_replacement(void *libc, const char *name);
/* Has libunwind imported both? */
int walk_has_locks(void);

#endif
