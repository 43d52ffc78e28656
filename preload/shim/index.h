/*
 * A lock-free map from a 44-bit key to a 20-bit number: from the hash of a
 * backtrace to its site.
 *
 * An index is a hint and never the authority: equal keys may stand in it more
 * than once, so a lookup offers each match to the caller, who decides by the
 * record itself.  That is what makes one compare-and-swap enough
 * for every operation.
 *
 * Levels of growing tables, the next one begun when the last is full at some
 * key: nothing is ever moved, an empty index touches one page, and a lookup
 * begins in the newest level, where nearly all entries are.  A key has two
 * buckets of a cache line in each level.
 *
 * Safe against threads, signals and fork at any point.
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

/* Bytes of zeroed memory that `levels` levels need: 512 entries of 8, each next
 * level four times as many. */
size_t index_bytes(uint32_t levels);
void index_init(struct index *index, void *zeroed, uint32_t levels);

/* False: no room. */
bool index_insert(struct index *index, uint64_t key, uint32_t value);
/* Takes everything out.  An insert at the same time may be lost. */
void index_clear(struct index *index);

/* Offers each match to accept() until it returns true; false: none was taken. */
typedef bool index_accept_fn(void *arg, uint32_t value);
bool index_find(struct index *index, uint64_t key, index_accept_fn *accept, void *arg);

#endif
