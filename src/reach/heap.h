/* The chunks of one heap of glibc's malloc, found by a walk from its start. */
#ifndef THREADLEAK_REACH_HEAP_H
#define THREADLEAK_REACH_HEAP_H

#include "reach/image.h"

/* One bit for each 16 bytes of a KiB: where a chunk begins, which of them are marked, and which contain
 * nothing of the program: free ones, and malloc's own. */
struct reach_grains {
    uint64_t starts, marks, opaque;
};

struct reach_heap {
    uint64_t start, end; /* of its chunks */
    struct reach_grains *grains;
    uint64_t *first;            /* for each 4 KiB: the index of the chunk that contains their first byte */
    struct reach_range *caches; /* chunks of the size of malloc's cache of a thread */
    size_t cache_count;
    uint64_t metadata; /* before the first chunk from here on: malloc's own data; start: none */
};

/* False: the sizes do not add up, or out of memory; then nothing must be released. arena: a part of another
 * arena than the main one. */
bool reach_heap_walk(struct reach_heap *heap, const struct reach_image *image, uint64_t start, uint64_t end,
                     bool arena);
void reach_heap_release(struct reach_heap *heap);

/* The heap_info of an arena at this address, which is a multiple of 64 MiB. False: there is none. */
bool reach_heap_of_arena(struct reach_heap *heap, const struct reach_image *image, uint64_t address);

/* Does a chunk begin at this address? Any address is allowed. */
bool reach_heap_is_start(const struct reach_heap *heap, uint64_t chunk);
/* `chunk`: where one begins. It contains nothing of the program. */
void reach_heap_set_opaque(struct reach_heap *heap, uint64_t chunk);

/* Marks the chunk that contains an address of the heap. False: it is marked already, or contains nothing of
 * the program. contents: its bytes for the program, the last 8 of them in the header of the next chunk. */
bool reach_heap_mark(struct reach_heap *heap, uint64_t address, struct reach_range *contents);
/* opaque: the chunk contains nothing of the program. */
bool reach_heap_is_marked(const struct reach_heap *heap, uint64_t address, bool *opaque);

#endif
