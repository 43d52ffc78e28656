/*
 * Private layouts of glibc's synchronisation objects (nptl/, sysdeps/nptl/), for
 * x86_64 and aarch64, from glibc's sources of 2.28 to 2.42.  Only pthread_cond_t changed:
 * in 2.41, and in distributions' updates of earlier versions.
 */
#ifndef THREADLEAK_WAIT_GLIBC_H
#define THREADLEAK_WAIT_GLIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot.h"

/* Does the process run a glibc with these layouts? version: "2.36"; NULL: search the process's memory for
 * it. */
bool glibc_is_known(const struct snapshot *snapshot, const char *version);

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
    GLIBC_MUTEX_ANY_KIND = 255,
};

/* struct __pthread_rwlock_arch_t */
struct glibc_rwlock {
    uint32_t readers;
    uint32_t writers;
    uint32_t phase;
    uint32_t writer_futex;
    uint32_t pad[2];
    int32_t writer;  /* tid */
    uint32_t shared; /* between processes, if it is not 0 */
};
enum {
    GLIBC_RWLOCK_WRITE_PHASE = 1, /* readers wait here */
    GLIBC_RWLOCK_READER_SHIFT = 3,
    GLIBC_RWLOCK_FUTEX_USED = 2,
};
/* The address of the rwlock, from the futex that a thread waits for and the value it expects there. */
uint64_t glibc_rwlock_of_futex(uint64_t futex, uint32_t value, bool writing);

/* _IO_lock_t, and __libc_lock_recursive_t of libc's own recursive locks */
struct glibc_recursive_lock {
    int32_t lock;
    int32_t count;
    uint64_t owner; /* struct pthread */
};

/* struct pthread, the descriptor of a thread: pthread_t points to it. Its first member is tcbhead_t, whose
 * `self` points to itself on x86_64. */
#if defined(__x86_64__)
enum { GLIBC_DESCRIPTOR_SELF = 16, GLIBC_DESCRIPTOR_TID = 0x2d0 };
#else
enum { GLIBC_DESCRIPTOR_TID = 0xd0 };
#endif

/* struct _IO_FILE; fopen() allocates it and its lock together (struct locked_FILE). */
enum {
    GLIBC_FILE_MAGIC = 0xfbad0000,
    GLIBC_FILE_DESCRIPTOR = 112,
    GLIBC_FILE_LOCK = 136,
    GLIBC_FILE_LOCK_BESIDE = 224,
};

/* struct pthread_barrier; waiters wait at current_round. */
struct glibc_barrier {
    uint32_t in;
    uint32_t current_round;
    uint32_t count;
};
uint64_t glibc_barrier_of_futex(uint64_t futex, uint32_t value);

/* struct _condvar_cleanup_buffer: on the stack of the thread that waits. */
struct glibc_cond_wait {
    uint64_t sequence;
    uint64_t cond;
    uint64_t mutex;
    uint64_t shared;
};
/* Does it belong to a thread that waits for this futex? */
bool glibc_is_cond_wait(const struct glibc_cond_wait *wait, uint64_t futex);

#endif
