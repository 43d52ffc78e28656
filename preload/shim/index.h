/*
 * A lock-free map of a fixed size from a 44-bit key to a 20-bit number: from the hash of a backtrace to its
 * site.
 *
 * An index is only a hint. It can contain equal keys, and forgets some when it is full. A lookup passes each
 * match to the caller, which compares the record itself. So every operation needs only one store or
 * compare-and-swap, and threads, signals and forks can interrupt it anywhere.
 *
 * A key has two buckets of one cache line. Both are in one page: a program with few sites touches few pages.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_INDEX_H
#define THREADLEAK_PRELOAD_SHIM_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define INDEX_KEY_BITS 44
#define INDEX_VALUE_MAX ((1u << 20) - 2)

/* Zeros at first. Twice as many as the sites of the largest ledger. */
#define INDEX_ENTRIES (1u << 14)
struct index {
    _Alignas(64) _Atomic uint64_t entries[INDEX_ENTRIES];
    _Atomic uint32_t turn;
};

/* value: at most INDEX_VALUE_MAX. */
void index_insert(struct index *index, uint64_t key, uint32_t value);

/* Passes each match to accept() until it returns true. False: it never did. */
typedef bool index_accept_fn(void *arg, uint32_t value);
bool index_find(struct index *index, uint64_t key, index_accept_fn *accept, void *arg);

#endif
