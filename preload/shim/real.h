/* The functions that the hooks replace: the next definitions after ours. */
#ifndef THREADLEAK_PRELOAD_SHIM_REAL_H
#define THREADLEAK_PRELOAD_SHIM_REAL_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h> /* only types */
#include <sys/types.h>
#include <threads.h>
#include <time.h>

/* Write it before the definition of a hook. */
#define EXPORT __attribute__((visibility("default")))

#ifndef __GLIBC__ /* musl declares fewer of them, and in other headers */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#endif

/* On x86_64 the seventh is on the stack, where a jump leaves it. If there is none, the memory there is the
 * caller's. */
#ifdef __x86_64__
#define SYSCALL_PARAMETERS (long number, long a, long b, long c, long d, long e)
#define SYSCALL_ARGUMENTS (number, a, b, c, d, e)
#else
#define SYSCALL_PARAMETERS (long number, long a, long b, long c, long d, long e, long f)
#define SYSCALL_ARGUMENTS (number, a, b, c, d, e, f)
#endif

#define HOOK(type, name, params) type(*name) params;
struct real {
#include "preload/shim/hooks.def"
};
#undef HOOK

/* NULL: not looked up yet, or libc does not have it. */
extern struct real real_found;

/* The real function, looked up at its first use. If libc does not have it, one that fails as the function
 * would with ENOSYS: a program can have found our hook by dlsym() or as a weak symbol. */
#define REAL(name)                                                                          \
    __extension__({                                                                         \
        __typeof__(real_found.name) real_ = real_look_up((void **)&real_found.name, #name); \
        real_;                                                                              \
    })

void *real_find(void **place, const char *name);

static inline void *real_look_up(void **place, const char *name)
{
    void *found = __atomic_load_n(place, __ATOMIC_RELAXED);
    return __builtin_expect(found != NULL, 1) ? found : real_find(place, name);
}

/* Looks up all of them. From the first creation of a thread on, another thread can hold the lock of the
 * loader, also for ever in a forked child, and next.h does not find everything. */
void real_resolve(void);

/* libc's own: the one of a sanitizer can delay handlers. NULL until signal_capture_start. */
extern int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *);

/* sigaction() by libc's own, if it is known. */
int real_set_action(int number, const struct sigaction *action, struct sigaction *old);

/* In a handler: the signal does what it would do without the handler, when the handler returns. */
void real_act_as_default(int number);

#endif
