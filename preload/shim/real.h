/* The functions that the hooks replace: the next definitions after ours. */
#ifndef THREADLEAK_PRELOAD_SHIM_REAL_H
#define THREADLEAK_PRELOAD_SHIM_REAL_H

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h> /* only types */
#include <sys/types.h>
#include <threads.h>
#include <time.h>

/* Write it before the definition of a hook. */
#define EXPORT __attribute__((visibility("default")))

/* As old programs have it: glibc has removed it from its headers (2.21). */
struct sigvec {
    void (*sv_handler)(int);
    int sv_mask;
    int sv_flags;
};

#define HOOK(type, name, params) type(*name) params;
struct real {
#include "preload/shim/hooks.def"
};
#undef HOOK

extern struct real real;

/* libc's own: the one of a sanitizer can delay handlers. NULL until signal_capture_start. */
extern int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *);

/* Threads may call it at the same time: all store the same addresses.  A function that
 * libc does not have stays NULL. */
void real_resolve(void);

/* For hooks that constructors of other libraries call before our constructor. */
static inline void real_resolve_early(void)
{
    if (__builtin_expect(!real.pthread_create, 0))
        real_resolve();
}

#endif
