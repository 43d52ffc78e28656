/*
 * The walk over a stack that a signal interrupted, and libunwind's locks in it.
 *
 * libunwind's cache of frames has a lock that a thread holds while it waits for
 * the loader's.  The thread that was interrupted may have the loader's: would it
 * wait for the other, both waited for ever.  So it asks for libunwind's locks
 * for a short while only, and then gives the walk up.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_WALK_H
#define THREADLEAK_PRELOAD_BACKTRACE_WALK_H

#include <pthread.h>
#include <stdint.h>

struct capture_walk {
    uint64_t pc;        /* of the frame that is looked at */
    uintptr_t readable; /* a page that is; 0: none yet */
    unsigned held;      /* locks of libunwind's */
    void *given_up[5];  /* of __builtin_setjmp: where a walk goes on that gets no lock */
};

/* In place of pthread_mutex_lock and _unlock within libunwind; `libc` is a handle of
 * dlopen.  NULL for any other name, and where libc's own are not found. */
void *walk_replacement(void *libc, const char *name);
/* Both have been asked for. */
int walk_has_locks(void);

#endif
