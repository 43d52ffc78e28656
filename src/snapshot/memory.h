/* Copies of the target's memory. */
#ifndef THREADLEAK_SNAPSHOT_MEMORY_H
#define THREADLEAK_SNAPSHOT_MEMORY_H

#include "snapshot/snapshot.h"

/* Room for copies, made before the stop: fresh pages cost time. */
struct snapshot_arena {
    struct snapshot_arena *next;
    unsigned char *bytes;
    size_t size, used;
};

/* NULL: out of memory.  Touches the first `ready` bytes. */
struct snapshot_arena *arena_new(struct snapshot *snapshot, size_t size, size_t ready);
void arena_free_all(struct snapshot *snapshot);

/* How much of each of `count` stacks is copied, when all together may take `total` bytes. */
uint64_t copy_share(size_t total, size_t count);
/* The same for second copies: so that all get what they ask for, or else the same.
 * expected: the bytes that this takes, at most `room`. */
uint64_t copy_share_wanted(const struct snapshot *snapshot, const struct snapshot_want *wants, size_t count,
                           size_t *expected, size_t *room);
/* Gives a copy its place; cuts it where the mapping or the arena ends. */
void copy_plan(const struct snapshot *snapshot, struct snapshot_arena *arena, struct snapshot_copy *copy,
               uint64_t start, uint64_t size);
/* Fills in all at once; each one's size becomes what could be read. */
void copy_fill(const struct snapshot *snapshot, struct snapshot_copy **copies, size_t count);

/* snapshot.read of a live process. */
size_t read_process(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);

#endif
