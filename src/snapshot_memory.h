/* Copies of the target's memory. */
#ifndef THREADLEAK_SNAPSHOT_MEMORY_H
#define THREADLEAK_SNAPSHOT_MEMORY_H

#include "snapshot.h"

/* Room for copies, made before the stop: fresh pages cost time. */
struct snapshot_arena {
    struct snapshot_arena *next;
    unsigned char *bytes;
    size_t size, used;
};

/* NULL: out of memory.  Touches the first `ready` bytes. */
struct snapshot_arena *arena_new(struct snapshot *snapshot, size_t size, size_t ready);
void arena_free_all(struct snapshot *snapshot);

/* Gives a copy its place; cuts it where the mapping or the arena ends. */
void copy_plan(const struct snapshot *snapshot, struct snapshot_arena *arena, struct snapshot_copy *copy,
               uint64_t start, uint64_t size);
/* Fills in all at once; each one's size becomes what could be read. */
void copy_fill(const struct snapshot *snapshot, struct snapshot_copy **copies, size_t count);

/* snapshot.read of a live process. */
size_t read_process(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);

#endif
