/*
 * malloc/malloc.c: a chunk has the size of the previous one, if that is free, and its own size with three
 * flags. The flag PREV_INUSE of the next chunk shows whether a chunk is in use. Chunks in caches count as in
 * use there (free_chunks.c).
 */
#include "reach/heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

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
    CHUNK_OF_TCACHE = 0x290, /* glibc 2.30 to 2.41: 64 counts of 2 bytes, 64 lists */
    CHUNK_OF_TCACHE_2_42 = 0x300,
    WORDS_OF_FIRST = 4,  /* of bits, for each item of first[]: 4 KiB of the heap */
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

/* word: its size and flags. The chunk after it; `end` after the last one; 0: the size is wrong. */
static uint64_t next_chunk(uint64_t word, uint64_t chunk, uint64_t end)
{
    uint64_t size = word & ~(uint64_t)FLAGS;
    if (size == 0 && end - chunk <= 2 * GRAIN && word == PREV_INUSE)
        return end;
    if (size < FENCE || size % GRAIN || size > end - chunk || word & IS_MMAPPED)
        return 0;
    return chunk + size;
}

static uint64_t index_of(const struct reach_heap *heap, uint64_t address)
{
    return (address - heap->start) / GRAIN;
}

static bool allocate(struct reach_heap *heap)
{
    uint64_t words = index_of(heap, heap->end) / 64 + 1;
    heap->grains = calloc(words, sizeof(*heap->grains));
    heap->first = calloc(words / WORDS_OF_FIRST + 1, sizeof(*heap->first));
    return heap->grains && heap->first;
}

/* The last item of first[] at or before a chunk makes it cheap to find the start of a large one. */
static void add_chunk(struct reach_heap *heap, uint64_t index, uint64_t next, bool free)
{
    const uint64_t bits = 64 * WORDS_OF_FIRST;
    struct reach_grains *grains = &heap->grains[index / 64];
    grains->starts |= UINT64_C(1) << index % 64;
    grains->opaque |= (uint64_t)free << index % 64;
    for (uint64_t at = (index + bits - 1) / bits; at * bits < next; at++)
        heap->first[at] = index;
}

static bool add_cache(struct reach_heap *heap, uint64_t chunk, uint64_t size)
{
    if (size != CHUNK_OF_TCACHE && size != CHUNK_OF_TCACHE_2_42)
        return true;
    if (!ARRAY_GROW(heap->caches, heap->cache_count))
        return false;
    heap->caches[heap->cache_count++] = (struct reach_range){chunk, chunk + size};
    return true;
}

/* A chunk is free if the next one says so. The last one is the top chunk, or malloc's end of a heap. False:
 * it does not add up. */
static bool fill(struct reach_heap *heap, const struct reach_image *image)
{
    struct walk walk = {image, NULL};
    uint64_t word = size_word(&walk, heap->start), next, after;
    for (uint64_t chunk = heap->start; chunk < heap->end; chunk = next, word = after) {
        next = next_chunk(word, chunk, heap->end);
        if (!next)
            return false;
        after = next < heap->end ? size_word(&walk, next) : 0;
        add_chunk(heap, index_of(heap, chunk), index_of(heap, next), !(after & PREV_INUSE));
        if (!add_cache(heap, chunk, next - chunk))
            return false;
    }
    return true;
}

/* In another arena than the main one, malloc clears the flag of a chunk that it joins with a neighbour when
 * it is freed. A thread's cache, the first chunk, is freed when the thread ends. */
static bool is_of_arena(struct walk *walk, uint64_t word, uint64_t start, uint64_t end)
{
    uint64_t next = next_chunk(word, start, end), previous_size;
    if (!next || word & OTHER_ARENA)
        return next != 0;
    if (next == end)
        return word & PREV_INUSE;
    return !(size_word(walk, next) & PREV_INUSE) &&
           reach_read(walk->image, next, &previous_size, sizeof(previous_size)) &&
           previous_size == next - start;
}

bool reach_heap_walk(struct reach_heap *heap, const struct reach_image *image, uint64_t start, uint64_t end,
                     bool arena)
{
    struct walk walk = {image, NULL};
    uint64_t word = start % GRAIN || start >= end ? 0 : size_word(&walk, start);
    if (!word || !next_chunk(word, start, end) || (arena && !is_of_arena(&walk, word, start, end)))
        return false;
    *heap = (struct reach_heap){.start = start, .end = end, .metadata = start};
    if (allocate(heap) && fill(heap, image))
        return true;
    reach_heap_release(heap);
    return false;
}

void reach_heap_release(struct reach_heap *heap)
{
    free(heap->grains);
    free(heap->first);
    free(heap->caches);
    *heap = (struct reach_heap){.grains = NULL};
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

/* The start of the chunk that contains an address. */
static uint64_t chunk_at(const struct reach_heap *heap, uint64_t address)
{
    uint64_t index = index_of(heap, address), at = index / 64, lowest = at - at % WORDS_OF_FIRST;
    uint64_t bits = heap->grains[at].starts & (~UINT64_C(0) >> (63 - index % 64));
    while (!bits && at > lowest)
        bits = heap->grains[--at].starts;
    return heap->start + GRAIN * (bits ? at * 64 + 63 - (uint64_t)__builtin_clzll(bits)
                                       : heap->first[lowest / WORDS_OF_FIRST]);
}

/* The start of the chunk after it, or the end of the heap. */
static uint64_t chunk_after(const struct reach_heap *heap, uint64_t chunk)
{
    uint64_t index = index_of(heap, chunk) + 1, at = index / 64;
    uint64_t words = index_of(heap, heap->end) / 64 + 1;
    uint64_t bits = at < words ? heap->grains[at].starts & ~UINT64_C(0) << index % 64 : 0;
    while (!bits && ++at < words)
        bits = heap->grains[at].starts;
    return bits ? heap->start + GRAIN * (at * 64 + (uint64_t)__builtin_ctzll(bits)) : heap->end;
}

bool reach_heap_is_start(const struct reach_heap *heap, uint64_t chunk)
{
    uint64_t index = index_of(heap, chunk);
    return chunk >= heap->start && chunk < heap->end && chunk % GRAIN == 0 &&
           heap->grains[index / 64].starts >> index % 64 & 1;
}

void reach_heap_set_opaque(struct reach_heap *heap, uint64_t chunk)
{
    uint64_t index = index_of(heap, chunk);
    heap->grains[index / 64].opaque |= UINT64_C(1) << index % 64;
}

/* The contents of a chunk begin after its header. The end of the chunk before it is in the header: its last 8
 * bytes are there. */
static uint64_t chunk_with(const struct reach_heap *heap, uint64_t address)
{
    uint64_t chunk = chunk_at(heap, address);
    return address - chunk < HEADER && chunk > heap->start ? chunk_at(heap, chunk - 1) : chunk;
}

bool reach_heap_mark(struct reach_heap *heap, uint64_t address, struct reach_range *contents)
{
    uint64_t chunk = chunk_with(heap, address), index = index_of(heap, chunk),
             bit = UINT64_C(1) << index % 64;
    struct reach_grains *grains = &heap->grains[index / 64];
    if (address - chunk < HEADER || grains->marks & bit)
        return false;
    grains->marks |= bit;
    if (grains->opaque & bit)
        return false;
    uint64_t next = chunk_after(heap, chunk), end = next < heap->end ? next + 8 : heap->end;
    *contents = (struct reach_range){chunk + HEADER < end ? chunk + HEADER : end, end};
    return true;
}

bool reach_heap_is_marked(const struct reach_heap *heap, uint64_t address, bool *opaque)
{
    uint64_t index = index_of(heap, chunk_with(heap, address));
    *opaque = heap->grains[index / 64].opaque >> index % 64 & 1;
    return heap->grains[index / 64].marks >> index % 64 & 1;
}
