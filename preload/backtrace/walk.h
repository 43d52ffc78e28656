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

/* It calls no libc, except where the compiler cannot do without: clang on aarch64. */
#if defined(__clang__) && defined(__aarch64__)
#include <setjmp.h>
typedef jmp_buf walk_jump;
#define WALK_SET(jump) _setjmp(jump)
#define WALK_GIVE_UP(jump) _longjmp(jump, 1)
#else
typedef void *walk_jump[5];
#define WALK_SET(jump) __builtin_setjmp(jump)
#define WALK_GIVE_UP(jump) __builtin_longjmp(jump, 1)
#endif

struct capture_walk {
    uintptr_t readable; /* a page that is readable; 0: none yet */
    unsigned held;      /* number of locks of libunwind */
    walk_jump given_up; /* continues a walk that gets no lock */
};

/* Called by libunwind instead of pthread_mutex_lock and _unlock. NULL: another name, or libc does not have
 * the functions. */
void *walk_replacement(const char *name);
/* Has libunwind imported both? */
int walk_has_locks(void);

#endif
