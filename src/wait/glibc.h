/*
 * Private layouts of glibc's synchronisation objects (nptl/, sysdeps/nptl/), for
 * x86_64 and aarch64.  Compared in glibc's sources from 2.34 to 2.42: none changed
 * but pthread_cond_t, from 2.41 on, and in distributions' updates before it too.
 */
#ifndef THREADLEAK_WAIT_GLIBC_H
#define THREADLEAK_WAIT_GLIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot.h"

/* Whether the layouts are those of the glibc that the process runs.  told: its
 * version, "2.36"; NULL: look into its memory. */
bool glibc_is_known(const struct snapshot *snapshot, const char *told);

/* struct __pthread_mutex_s; waiters wait at its beginning. */
struct glibc_mutex {
    uint32_t lock;
    uint32_t count;
    int32_t owner; /* tid */
    uint32_t users;
    uint32_t kind;
};
enum {
    GLIBC_MUTEX_RECURSIVE = 1,
    GLIBC_MUTEX_ERRORCHECK = 2,
    GLIBC_MUTEX_ADAPTIVE = 3,
    GLIBC_MUTEX_TYPE = 3,
    GLIBC_MUTEX_ROBUST = 16,
    GLIBC_MUTEX_INHERIT = 32,
    GLIBC_MUTEX_PROTECT = 64,
    GLIBC_MUTEX_SHARED = 128,
};

/* struct __pthread_rwlock_arch_t */
struct glibc_rwlock {
    uint32_t readers;
    uint32_t writers;
    uint32_t phase;
    uint32_t writer_futex;
    uint32_t pad[2];
    int32_t writer; /* tid */
};
enum {
    GLIBC_RWLOCK_WRITE_PHASE = 1, /* of readers */
    GLIBC_RWLOCK_READER_SHIFT = 3,
    GLIBC_RWLOCK_FUTEX_USED = 2,
};
/* Where the rwlock is whose waiter expects `value` at a futex. */
uint64_t glibc_rwlock_of_futex(uint64_t futex, uint32_t value, bool writing);

/* struct pthread_barrier; waiters wait at current_round. */
struct glibc_barrier {
    uint32_t in;
    uint32_t current_round;
    uint32_t count;
};
uint64_t glibc_barrier_of_futex(uint64_t futex, uint32_t value);

/* struct _condvar_cleanup_buffer, which lies in the waiter's frames. */
struct glibc_cond_wait {
    uint64_t sequence;
    uint64_t cond;
    uint64_t mutex;
    uint64_t shared;
};
/* Can it be the one of a thread that waits at this futex? */
bool glibc_is_cond_wait(const struct glibc_cond_wait *wait, uint64_t futex);

#endif
