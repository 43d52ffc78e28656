/*
 * A lock-free map from a 44-bit key to a 20-bit number: from the hash of a backtrace
 * to its site.
 *
 * An index is only a hint. It can contain equal keys. A lookup passes each match to the caller, which
 * compares the record itself. So every operation needs only one compare-and-swap.
 *
 * An index consists of growing tables, called levels. When a key does not fit into a level, the next level
 * begins. Entries never move, and an empty index uses one page. A lookup begins in the newest level, where
 * nearly all entries are. A key has two buckets of one cache line in each level.
 *
 * Threads, signals and forks can interrupt every operation.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_INDEX_H
#define THREADLEAK_PRELOAD_SHIM_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_KEY_BITS 44
#define INDEX_VALUE_MAX ((1u << 20) - 2)

struct index {
    _Atomic uint64_t *entries; /* all levels in a row */
    _Atomic uint32_t top;      /* newest level in use */
    uint32_t levels;
};

/* Size of the zeroed memory for `levels` levels: 512 entries of 8 bytes in the first,
 * four times as many in each next one. */
size_t index_bytes(uint32_t levels);
void index_init(struct index *index, void *zeroed, uint32_t levels);

/* False: the index is full. */
bool index_insert(struct index *index, uint64_t key, uint32_t value);
/* Removes all entries. It may also remove entries that are inserted at the same time. */
void index_clear(struct index *index);

/* Passes each match to accept() until it returns true. False: it never did. */
typedef bool index_accept_fn(void *arg, uint32_t value);
bool index_find(struct index *index, uint64_t key, index_accept_fn *accept, void *arg);

#endif
