/*
 * With wakes=1: who notified a condition variable or semaphore last, and since when a thread waits for one.
 *
 * The shim writes it in private memory of the process, and a reader reads that memory. It is no part of the
 * ledger, whose header has the addresses. A forked child begins with zeros (MADV_WIPEONFORK).
 *
 * The table has buckets of a few records. An object has at most one record, apart from a race that makes two:
 * then the one with the later `latest_ns` is right. When a bucket is full, the oldest record is replaced.
 *
 * Addresses of objects are inverted here, so that they do not look like references to the objects.
 */
#ifndef THREADLEAK_COMMON_WAKES_H
#define THREADLEAK_COMMON_WAKES_H

#include <stdatomic.h>
#include <stdint.h>

#define WAKE_BUCKETS 1024u
#define WAKE_WAYS 4u
#define WAKE_STACK_WORDS 64u

/* The registers that a called function keeps, the stack pointer and the pc, by their DWARF numbers. */
#if defined(__x86_64__)
#define WAKE_REGISTERS              \
    {                               \
        3, 6, 12, 13, 14, 15, 7, 16 \
    }
#define WAKE_REGISTER_COUNT 8u
#else
#define WAKE_REGISTERS                                         \
    {                                                          \
        19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 \
    }
#define WAKE_REGISTER_COUNT 14u
#endif

struct wake {
    _Atomic uint64_t seq;       /* sequence lock: odd while it is written; 0: never used */
    _Atomic uint64_t object;    /* ~address; 0: never used */
    _Atomic uint64_t latest_ns; /* of the latest notification; 0: none since it was initialised */
    /* A bit (serial % 64) for each thread that notified it. All bits: not known, since this record was
     * another object's. */
    _Atomic uint64_t notifiers;
    /* What follows is of the notification at `ns`. If that is not latest_ns, a later one was not recorded:
     * two came at once, or one from a signal handler in the other. */
    _Atomic uint64_t ns;
    _Atomic uint64_t serial; /* of the thread; 0: untracked */
    _Atomic uint64_t registers[WAKE_REGISTER_COUNT];
    _Atomic uint64_t words;                   /* of `stack` */
    _Atomic uint64_t stack[WAKE_STACK_WORDS]; /* from the stack pointer upwards */
};

/* In the static TLS of each thread: the wait that it began last. It is not cleared when the wait ends. */
struct wake_wait {
    uint64_t object; /* ~address; 0: none yet */
    uint64_t ns;
};

#define WAKE_TABLE_SIZE (WAKE_BUCKETS * WAKE_WAYS * sizeof(struct wake))

/* The number of the first record of an object's bucket. */
static inline uint32_t wake_bucket(uint64_t address)
{
    return (uint32_t)(((address >> 3) * 0x9e3779b97f4a7c15ull) >> 54) * WAKE_WAYS;
}

#endif
