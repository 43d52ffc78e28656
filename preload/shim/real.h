/* The real functions behind our hooks, resolved once by real_resolve(). */
#ifndef THREADLEAK_PRELOAD_SHIM_REAL_H
#define THREADLEAK_PRELOAD_SHIM_REAL_H

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h> /* its types alone */
#include <sys/types.h>
#include <threads.h>
#include <time.h>

#define HOOK(type, name, params) type(*name) params;
struct real {
#include "preload/shim/hooks.def"
};
#undef HOOK

extern struct real real;

/* Idempotent and safe to race: every caller stores the same addresses.  A
 * function that the libc does not have stays NULL. */
void real_resolve(void);

/* For hooks that other constructors call before ours ran. */
static inline void real_resolve_early(void)
{
    if (__builtin_expect(!real.pthread_create, 0))
        real_resolve();
}

#endif
