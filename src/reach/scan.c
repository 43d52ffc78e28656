/*
 * Every byte offset is tried, because packed structures (struct epoll_event is one) have pointers at odd
 * offsets. The upper 16 bits are ignored, because programs keep tags there. A program that is not
 * position-independent has objects below 4 GiB, and may keep their addresses in 32 bits, at multiples of 4.
 *
 * Nearly all memory is excluded 64 bytes at a time, because the highest byte of an address has few values. In
 * what remains, three bytes are compared. A mangled pointer is the address xor the guard, rotated by 17 bits.
 * The upper 17 bits of an address are 0, so the lower 17 bits of a mangled one are those of the guard.
 */
#include "reach/scan.h"

#include <stdbool.h>
#include <string.h>

enum {
    VECTOR = REACH_VECTOR,
    BLOCK = 64, /* bytes that are excluded together */
    VECTORS = BLOCK / VECTOR,
    LOWEST = 3,       /* of the bytes that vectors compare */
    HIGHEST = 5,      /* byte of an address */
    POINTER = 6,      /* bytes of an address */
    GAP_BITS = 36,    /* ranges nearer than 64 GiB are one cluster */
    MANGLE_SHIFT = 17 /* PTR_MANGLE, sysdeps/unix/sysv/linux/x86_64/pointer_guard.h */
};

typedef uint8_t vector __attribute__((vector_size(VECTOR)));
typedef uint32_t quarters __attribute__((vector_size(VECTOR)));
typedef uint64_t halves __attribute__((vector_size(VECTOR)));

#define HIGH_BITS UINT64_C(0x8080808080808080) /* one for each byte */

struct block {
    const unsigned char *bytes;
    size_t size; /* what is left */
    reach_found_fn *found;
    void *arg;
};

/* ---- the filter ---- */

void reach_filter_add(struct reach_filter *filter, uint64_t start, uint64_t end)
{
    const unsigned room = sizeof(filter->clusters) / sizeof(*filter->clusters);
    struct reach_cluster *last = filter->count ? &filter->clusters[filter->count - 1] : NULL;
    if (last && (filter->count == room || start < last->start + last->size ||
                 (start - last->start - last->size) >> GAP_BITS == 0))
        last->size = end - last->start > last->size ? end - last->start : last->size;
    else
        filter->clusters[filter->count++] = (struct reach_cluster){.start = start, .size = end - start};
}

/* A byte has one value if all higher ones have one, else any. */
static void set_bytes(struct reach_cluster *cluster)
{
    uint64_t first = cluster->start, last = cluster->start + cluster->size;
    bool equal = true;
    for (unsigned j = 0; j < 3; j++) {
        unsigned shift = 8 * (5 - j);
        uint8_t low = (uint8_t)(first >> shift), high = (uint8_t)(last >> shift);
        memset(cluster->low[j], equal ? low : 0, VECTOR);
        memset(cluster->span[j], equal ? high - low : 255, VECTOR);
        equal &= low == high;
    }
}

void reach_filter_finish(struct reach_filter *filter)
{
    for (unsigned i = 0; i < filter->count; i++) {
        set_bytes(&filter->clusters[i]);
        filter->has_low |= filter->clusters[i].start >> 32 == 0;
    }
}

static inline void try(const struct reach_filter *filter, uint64_t address, const struct block *block)
{
    for (unsigned i = 0; i < filter->count; i++)
        if (address - filter->clusters[i].start <= filter->clusters[i].size) {
            block->found(block->arg, address);
            return;
        }
}

/* ---- addresses at any byte ---- */

static inline vector load(const unsigned char *from)
{
    vector value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static inline bool any(vector mask)
{
    halves both;
    memcpy(&both, &mask, sizeof(both));
    return (both[0] | both[1]) != 0;
}

/* 255 where the byte is one that addresses of the cluster have in that place, 0 elsewhere. */
static inline vector in_range(const struct reach_cluster *cluster, unsigned place, vector value)
{
    return (vector)((value - load(cluster->low[place])) <= load(cluster->span[place]));
}

/* Of each word that begins in a vector: may its highest byte be one of an address? */
static inline vector match_highest(const struct reach_filter *filter, const unsigned char *bytes)
{
    const vector byte5 = load(bytes + HIGHEST);
    vector found = {0};
    for (unsigned i = 0; i < filter->count; i++)
        found |= in_range(&filter->clusters[i], 0, byte5);
    return found;
}

/* The same of its three highest bytes. */
static inline vector match(const struct reach_filter *filter, const unsigned char *bytes)
{
    const vector byte3 = load(bytes + LOWEST), byte4 = load(bytes + LOWEST + 1),
                 byte5 = load(bytes + HIGHEST);
    vector found = {0};
    for (unsigned i = 0; i < filter->count; i++) {
        const struct reach_cluster *cluster = &filter->clusters[i];
        found |= in_range(cluster, 0, byte5) & in_range(cluster, 1, byte4) & in_range(cluster, 2, byte3);
    }
    return found;
}

static inline void try_matches(const struct reach_filter *filter, const struct block *block, size_t first,
                               size_t starts)
{
    const vector matches = match(filter, block->bytes + first);
    halves both;
    memcpy(&both, &matches, sizeof(both));
    for (size_t half = 0; half < 2; half++)
        for (uint64_t bits = both[half] & HIGH_BITS; bits; bits &= bits - 1) {
            size_t i = first + 8 * half + (size_t)__builtin_ctzll(bits) / 8;
            uint64_t word;
            memcpy(&word, block->bytes + i, sizeof(word));
            if (i < starts)
                try(filter, word & REACH_ADDRESS_MASK, block);
        }
}

/* Less than a block. */
static inline void scan_rest(const struct reach_filter *filter, const struct block *block)
{
    size_t starts = block->size < POINTER ? 0 : block->size - POINTER + 1;
    for (size_t i = 0; i < starts; i += VECTOR)
        if (any(match_highest(filter, block->bytes + i)))
            try_matches(filter, block, i, starts);
}

/* The same as match_highest() of each vector, with each cluster loaded once. */
static inline void scan_block(const struct reach_filter *filter, const struct block *block)
{
    vector found[VECTORS] = {{0}}, all = {0};
    for (unsigned j = 0; j < filter->count; j++)
#pragma GCC unroll 4
        for (size_t i = 0; i < VECTORS; i++)
            found[i] |= in_range(&filter->clusters[j], 0, load(block->bytes + HIGHEST + VECTOR * i));
    for (size_t i = 0; i < VECTORS; i++)
        all |= found[i];
    for (size_t i = 0; any(all) && i < VECTORS; i++)
        if (any(found[i]))
            try_matches(filter, block, VECTOR * i, block->size - POINTER + 1);
}

/* ---- mangled ones, and those of 32 bits ---- */

static void try_mangled(const struct reach_filter *filter, const struct block *block, size_t first)
{
    const uint64_t low = (UINT64_C(1) << MANGLE_SHIFT) - 1;
    const uint64_t same = filter->guard << MANGLE_SHIFT | filter->guard >> (64 - MANGLE_SHIFT);
    for (size_t i = first; i < BLOCK && i + 8 <= block->size; i += 8) {
        uint64_t word;
        memcpy(&word, block->bytes + i, sizeof(word));
        if (!((word ^ same) & low))
            try(filter, (word >> MANGLE_SHIFT | word << (64 - MANGLE_SHIFT)) ^ filter->guard, block);
    }
}

/* Of a block. The upper halves of the words match nothing. */
static inline bool may_be_mangled(const struct reach_filter *filter, const unsigned char *words)
{
    const uint32_t low = (1 << MANGLE_SHIFT) - 1, same = (uint32_t)(filter->guard >> (64 - MANGLE_SHIFT));
    const quarters mask = {low, 0, low, 0}, wanted = {same, 1, same, 1};
    quarters found = {0};
#pragma GCC unroll 4
    for (size_t i = 0; i < VECTORS; i++)
        found |= (quarters)(((quarters)load(words + VECTOR * i) & mask) == wanted);
    return any((vector)found);
}

static void try_halves(const struct reach_filter *filter, const struct block *block, size_t first)
{
    for (size_t i = first; i < BLOCK && i + 4 <= block->size; i += 4) {
        uint32_t word;
        memcpy(&word, block->bytes + i, sizeof(word));
        try(filter, word, block);
    }
}

void reach_scan(const struct reach_filter *filter, const unsigned char *bytes, size_t size, uint64_t address,
                reach_found_fn *found, void *arg)
{
    const size_t first = (size_t)(-address & 7);
    struct block block = {bytes, size, found, arg};
    for (; filter->count && block.size; block.bytes += BLOCK, block.size -= BLOCK) {
        bool is_whole = block.size >= BLOCK;
        if (is_whole)
            scan_block(filter, &block);
        else
            scan_rest(filter, &block);
        if (filter->guard && (!is_whole || may_be_mangled(filter, block.bytes + first)))
            try_mangled(filter, &block, first);
        if (filter->has_low)
            try_halves(filter, &block, first & 3);
        if (!is_whole)
            return;
    }
}
