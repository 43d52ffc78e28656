/* The chunks of one heap of glibc's malloc, found by a walk from its start. */
#ifndef THREADLEAK_REACH_HEAP_H
#define THREADLEAK_REACH_HEAP_H

#include "reach/image.h"

struct reach_heap {
    uint64_t start, end; /* of its chunks */
    /* One bit for each 16 bytes: where a chunk begins, which of them are marked, and which contain nothing of
     * the program: free ones, and malloc's own. */
    uint64_t *starts, *marks, *opaque;
    uint64_t metadata; /* before the first chunk from here on: malloc's own data; start: none */
};

/* False: the sizes do not add up, or out of memory; then nothing must be released. arena: a part of another
 * arena than the main one. */
bool reach_heap_walk(struct reach_heap *heap, const struct reach_image *image, uint64_t start, uint64_t end,
                     bool arena);
void reach_heap_release(struct reach_heap *heap);

/* The heap_info of an arena at this address, which is a multiple of 64 MiB. False: there is none. */
bool reach_heap_of_arena(struct reach_heap *heap, const struct reach_image *image, uint64_t address);

/* The start of the chunk that contains an address of the heap. */
uint64_t reach_heap_chunk(const struct reach_heap *heap, uint64_t address);
/* The start of the chunk after it, or the end of the heap. */
uint64_t reach_heap_next(const struct reach_heap *heap, uint64_t chunk);
/* Its bytes for the program. The last 8 are in the header of the next chunk. */
struct reach_range reach_heap_contents(const struct reach_heap *heap, uint64_t chunk);
bool reach_heap_is_start(const struct reach_heap *heap, uint64_t chunk);
void reach_heap_set_opaque(struct reach_heap *heap, uint64_t chunk);

static inline bool reach_bit(const uint64_t *bits, uint64_t index)
{
    return bits[index / 64] >> (index % 64) & 1;
}

static inline void reach_bit_set(uint64_t *bits, uint64_t index)
{
    bits[index / 64] |= UINT64_C(1) << (index % 64);
}

#endif
