/*
 * malloc/malloc.c: a chunk has the size of the previous one, if that is free, and its own size with three
 * flags. The flag PREV_INUSE of the next chunk shows whether a chunk is in use. Chunks in caches count as in
 * use there (free_chunks.c).
 */
#include "reach/heap.h"

#include <stdlib.h>
#include <string.h>

enum {
    GRAIN = 16,
    HEADER = 16,
    FENCE = 16, /* the smallest chunk is 32 bytes; malloc ends a heap with chunks of 16 bytes, and of 0 */
    PREV_INUSE = 1,
    IS_MMAPPED = 2,
    OTHER_ARENA = 4,
    FLAGS = 7,
    ARENA_BYTES = 64 << 20,
    PAGE = 4096,
    FIRST_STATE = 0x700, /* sizeof(struct malloc_state) is 2200 in most versions */
    LAST_STATE = 0xa00,
};

struct walk {
    const struct reach_image *image;
    const struct reach_piece *piece; /* the last one that was read */
};

static uint64_t size_word(struct walk *walk, uint64_t chunk)
{
    const struct reach_piece *piece = walk->piece;
    uint64_t at = chunk + 8, word;
    if (!piece || at < piece->start || at - piece->start + 8 > piece->size)
        piece = walk->piece = reach_piece_at(walk->image, at);
    if (!piece || at < piece->start || at - piece->start + 8 > piece->size)
        return 0;
    memcpy(&word, piece->bytes + (at - piece->start), sizeof(word));
    return word;
}

/* The chunk after it; `end` after the last one; 0: the size is wrong. */
static uint64_t next_chunk(struct walk *walk, uint64_t chunk, uint64_t end)
{
    uint64_t word = size_word(walk, chunk), size = word & ~(uint64_t)FLAGS;
    if (size == 0 && end - chunk <= 2 * GRAIN && word == PREV_INUSE)
        return end;
    if (size < FENCE || size % GRAIN || size > end - chunk || word & IS_MMAPPED)
        return 0;
    return chunk + size;
}

static bool allocate(struct reach_heap *heap)
{
    uint64_t words = (heap->end - heap->start) / GRAIN / 64 + 1;
    heap->starts = calloc(3 * words, sizeof(*heap->starts));
    heap->marks = heap->starts + words;
    heap->opaque = heap->marks + words;
    return heap->starts != NULL;
}

/* A chunk is free if the next one says so. The last one is the top chunk, or malloc's end of a heap. False:
 * it does not add up. */
static bool fill(struct reach_heap *heap, const struct reach_image *image)
{
    struct walk walk = {image, NULL};
    for (uint64_t chunk = heap->start, next; chunk < heap->end; chunk = next) {
        next = next_chunk(&walk, chunk, heap->end);
        uint64_t index = (chunk - heap->start) / GRAIN;
        if (!next)
            return false;
        reach_bit_set(heap->starts, index);
        if (next == heap->end || !(size_word(&walk, next) & PREV_INUSE))
            reach_bit_set(heap->opaque, index);
    }
    return true;
}

bool reach_heap_walk(struct reach_heap *heap, const struct reach_image *image, uint64_t start, uint64_t end,
                     bool arena)
{
    struct walk walk = {image, NULL};
    if (start % GRAIN || start >= end || (arena && !(size_word(&walk, start) & OTHER_ARENA)) ||
        !next_chunk(&walk, start, end))
        return false;
    *heap = (struct reach_heap){.start = start, .end = end, .metadata = start};
    if (allocate(heap) && fill(heap, image))
        return true;
    reach_heap_release(heap);
    return false;
}

void reach_heap_release(struct reach_heap *heap)
{
    free(heap->starts);
    heap->starts = NULL;
}

/* ---- other arenas: malloc/arena.c ---- */

struct heap_info {
    uint64_t arena, previous, size, mprotect_size;
};

static bool is_info(const struct heap_info *info, uint64_t address)
{
    uint64_t offset = info->arena % ARENA_BYTES;
    return info->arena >= ARENA_BYTES && offset >= sizeof(*info) && offset <= 0x60 && info->size >= PAGE &&
           info->size <= ARENA_BYTES && info->size % PAGE == 0 && info->mprotect_size >= info->size &&
           info->mprotect_size <= ARENA_BYTES && info->previous % ARENA_BYTES == 0 &&
           info->previous != address;
}

/* The first heap of an arena has its struct malloc_state before the first chunk. */
bool reach_heap_of_arena(struct reach_heap *heap, const struct reach_image *image, uint64_t address)
{
    struct heap_info info;
    if (!reach_read(image, address, &info, sizeof(info)) || !is_info(&info, address))
        return false;
    bool is_first = info.arena - address < ARENA_BYTES;
    uint64_t from = is_first ? info.arena + FIRST_STATE : address + sizeof(info);
    uint64_t to = is_first ? info.arena + LAST_STATE : address + 0x80;
    for (uint64_t at = (from + GRAIN - 1) & ~(uint64_t)(GRAIN - 1); at < to; at += GRAIN)
        if (reach_heap_walk(heap, image, at, address + info.size, true)) {
            heap->metadata = address;
            return true;
        }
    return false;
}

/* ---- chunks ---- */

uint64_t reach_heap_chunk(const struct reach_heap *heap, uint64_t address)
{
    uint64_t index = (address - heap->start) / GRAIN, at = index / 64;
    uint64_t bits = heap->starts[at] & (~UINT64_C(0) >> (63 - index % 64));
    while (!bits && at > 0)
        bits = heap->starts[--at];
    return heap->start + GRAIN * (at * 64 + (bits ? 63 - (uint64_t)__builtin_clzll(bits) : 0));
}

uint64_t reach_heap_next(const struct reach_heap *heap, uint64_t chunk)
{
    uint64_t index = (chunk - heap->start) / GRAIN + 1, at = index / 64;
    uint64_t words = (heap->end - heap->start) / GRAIN / 64 + 1;
    uint64_t bits = at < words ? heap->starts[at] & ~UINT64_C(0) << index % 64 : 0;
    while (!bits && ++at < words)
        bits = heap->starts[at];
    return bits ? heap->start + GRAIN * (at * 64 + (uint64_t)__builtin_ctzll(bits)) : heap->end;
}

struct reach_range reach_heap_contents(const struct reach_heap *heap, uint64_t chunk)
{
    uint64_t next = reach_heap_next(heap, chunk), end = next < heap->end ? next + 8 : heap->end;
    return (struct reach_range){chunk + HEADER < end ? chunk + HEADER : end, end};
}

bool reach_heap_is_start(const struct reach_heap *heap, uint64_t chunk)
{
    return chunk >= heap->start && chunk < heap->end && chunk % GRAIN == 0 &&
           reach_bit(heap->starts, (chunk - heap->start) / GRAIN);
}

void reach_heap_set_opaque(struct reach_heap *heap, uint64_t chunk)
{
    reach_bit_set(heap->opaque, (chunk - heap->start) / GRAIN);
}
