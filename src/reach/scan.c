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
    BLOCK = 64,       /* bytes that are excluded together */
    STEP = 4096,      /* bytes that stay in the cache for the next kind of words */
    LOWEST = 3,       /* of the bytes that vectors compare */
    HIGHEST = 5,      /* byte of an address */
    POINTER = 6,      /* bytes of an address */
    GAP_BITS = 36,    /* ranges nearer than 64 GiB are one cluster */
    MANGLE_SHIFT = 17 /* PTR_MANGLE, sysdeps/unix/sysv/linux/x86_64/pointer_guard.h */
};

typedef uint8_t vector __attribute__((vector_size(VECTOR)));
typedef uint64_t halves __attribute__((vector_size(VECTOR)));

#define HIGH_BITS UINT64_C(0x8080808080808080) /* one for each byte */

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
void reach_filter_finish(struct reach_filter *filter)
{
    for (unsigned i = 0; i < filter->count; i++) {
        struct reach_cluster *cluster = &filter->clusters[i];
        uint64_t first = cluster->start, last = cluster->start + cluster->size;
        bool equal = true;
        for (unsigned j = 0; j < 3; j++) {
            unsigned shift = 8 * (5 - j);
            uint8_t low = (uint8_t)(first >> shift), high = (uint8_t)(last >> shift);
            memset(cluster->low[j], equal ? low : 0, VECTOR);
            memset(cluster->span[j], equal ? high - low : 255, VECTOR);
            equal &= low == high;
        }
        filter->has_low |= first >> 32 == 0;
    }
}

static inline vector load(const unsigned char *from)
{
    vector value;
    memcpy(&value, from, sizeof(value));
    return value;
}

/* 255 where the byte is one that addresses of the cluster have in that place, 0 elsewhere. */
static inline vector in_range(const struct reach_cluster *cluster, unsigned place, vector value)
{
    return (vector)((value - load(cluster->low[place])) <= load(cluster->span[place]));
}

/* Of each byte: may it be the highest of an address? */
static inline vector match_highest(const struct reach_filter *filter, vector byte5)
{
    vector found = {0};
    for (unsigned i = 0; i < filter->count; i++)
        found |= in_range(&filter->clusters[i], 0, byte5);
    return found;
}

/* Of each word that begins in a vector: may it be an address? */
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

static inline bool any(vector mask)
{
    halves both;
    memcpy(&both, &mask, sizeof(both));
    return (both[0] | both[1]) != 0;
}

static inline bool block_may_match(const struct reach_filter *filter, const unsigned char *bytes)
{
    vector found = {0};
    for (size_t i = 0; i < BLOCK; i += VECTOR)
        found |= match_highest(filter, load(bytes + HIGHEST + i));
    return any(found);
}

static inline void try(const struct reach_filter *filter, uint64_t address, reach_found_fn *found, void *arg)
{
    for (unsigned i = 0; i < filter->count; i++)
        if (address - filter->clusters[i].start <= filter->clusters[i].size) {
            found(arg, address);
            return;
        }
}

static void try_matches(const struct reach_filter *filter, const unsigned char *bytes, size_t count,
                        reach_found_fn *found, void *arg)
{
    const vector matches = match(filter, bytes);
    halves both;
    memcpy(&both, &matches, sizeof(both));
    for (size_t half = 0; half < 2; half++)
        for (uint64_t bits = both[half] & HIGH_BITS; bits; bits &= bits - 1) {
            size_t i = 8 * half + (size_t)__builtin_ctzll(bits) / 8;
            uint64_t word;
            memcpy(&word, bytes + i, sizeof(word));
            if (i < count)
                try(filter, word & REACH_ADDRESS_MASK, found, arg);
        }
}

static void scan_words(const struct reach_filter *filter, const unsigned char *bytes, size_t starts,
                       reach_found_fn *found, void *arg)
{
    for (size_t block = 0; block < starts; block += BLOCK) {
        if (!block_may_match(filter, bytes + block))
            continue;
        for (size_t i = block; i < block + BLOCK && i < starts; i += VECTOR)
            try_matches(filter, bytes + i, starts - i, found, arg);
    }
}

static void scan_mangled(const struct reach_filter *filter, const unsigned char *bytes, size_t size,
                         size_t first, reach_found_fn *found, void *arg)
{
    const uint64_t low = (UINT64_C(1) << MANGLE_SHIFT) - 1;
    const uint64_t same = filter->guard << MANGLE_SHIFT | filter->guard >> (64 - MANGLE_SHIFT);
    for (size_t i = first; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        if (!((word ^ same) & low))
            try(filter, (word >> MANGLE_SHIFT | word << (64 - MANGLE_SHIFT)) ^ filter->guard, found, arg);
    }
}

static void scan_halves(const struct reach_filter *filter, const unsigned char *bytes, size_t size,
                        size_t first, reach_found_fn *found, void *arg)
{
    for (size_t i = first; i + 4 <= size; i += 4) {
        uint32_t word;
        memcpy(&word, bytes + i, sizeof(word));
        try(filter, word, found, arg);
    }
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

void reach_scan(const struct reach_filter *filter, const unsigned char *bytes, size_t size, uint64_t address,
                reach_found_fn *found, void *arg)
{
    for (size_t at = 0; filter->count && at < size; at += STEP) {
        size_t rest = size - at;
        size_t starts = rest < POINTER ? 0 : rest - POINTER + 1;
        scan_words(filter, bytes + at, min(starts, STEP), found, arg);
        /* Words that begin here may end in the next step. */
        if (filter->guard)
            scan_mangled(filter, bytes + at, min(rest, STEP + 7), (size_t)(-address & 7), found, arg);
        if (filter->has_low)
            scan_halves(filter, bytes + at, min(rest, STEP + 3), (size_t)(-address & 3), found, arg);
    }
}
