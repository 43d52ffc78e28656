/* Memory for copies, and how much of each stack is copied. */
#ifndef THREADLEAK_SNAPSHOT_COPY_H
#define THREADLEAK_SNAPSHOT_COPY_H

#include "snapshot/snapshot.h"

enum { COPY_RED_ZONE = 128 /* bytes below sp that x86_64's functions may use */ };

/* Memory that is allocated before the stop, because fresh pages cost time. */
struct snapshot_arena {
    struct snapshot_arena *next;
    unsigned char *bytes;
    size_t size, used;
};

/* Touches the first `ready` bytes.  The snapshot owns it.  NULL: out of memory. */
struct snapshot_arena *arena_new(struct snapshot *snapshot, size_t size, size_t ready);
void arena_free_all(struct snapshot *snapshot);

/* How many bytes of each of `count` stacks to copy, if all together may take `total`. */
uint64_t copy_share(size_t total, size_t count);
/* The same for second copies: each gets what it needs, or an equal share if that is too much. expected: the
 * bytes that this takes, at most `capacity`. */
uint64_t copy_share_wanted(const struct snapshot *snapshot, const struct snapshot_want *wants, size_t count,
                           size_t *expected, size_t *capacity);

/* Reserves arena memory for a copy around an address: `below` bytes before the address, `size` in all. The
 * copy ends where the mapping or the arena ends. */
void copy_plan(const struct snapshot *snapshot, struct snapshot_arena *arena, struct snapshot_copy *copy,
               uint64_t address, uint64_t below, uint64_t size);

#endif
