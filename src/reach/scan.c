/*
 * Every byte offset is tried, because packed structures (struct epoll_event is one) have pointers at odd
 * offsets. The upper 16 bits are ignored, because programs keep tags there. Most offsets are excluded 16 at a
 * time: the upper bytes of an address have few values.
 */
#include "reach/scan.h"

#include <stdbool.h>
#include <string.h>

enum {
    VECTOR = 16,
    FIRST = 3,        /* the lowest byte that vectors compare */
    POINTER = 6,      /* bytes of an address */
    GAP_BITS = 36,    /* ranges nearer than 64 GiB are one cluster */
    MANGLE_SHIFT = 17 /* PTR_MANGLE, sysdeps/unix/sysv/linux/x86_64/pointer_guard.h */
};

typedef uint8_t vector __attribute__((vector_size(VECTOR)));
typedef uint64_t halves __attribute__((vector_size(VECTOR)));

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
            cluster->low[j] = equal ? low : 0;
            cluster->span[j] = equal ? (uint8_t)(high - low) : 255;
            equal &= low == high;
        }
    }
}

static inline vector load(const unsigned char *from)
{
    vector value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static inline vector in_range(vector value, uint8_t low, uint8_t span)
{
    return (vector)((value - low) <= (vector){} + span);
}

static inline bool any(vector mask)
{
    halves both;
    memcpy(&both, &mask, sizeof(both));
    return (both[0] | both[1]) != 0;
}

static inline bool may_contain(const struct reach_filter *filter, const unsigned char *bytes)
{
    const vector byte3 = load(bytes + FIRST), byte4 = load(bytes + FIRST + 1),
                 byte5 = load(bytes + FIRST + 2);
    vector found = {0};
    for (unsigned i = 0; i < filter->count; i++) {
        const struct reach_cluster *cluster = &filter->clusters[i];
        found |= in_range(byte5, cluster->low[0], cluster->span[0]) &
                 in_range(byte4, cluster->low[1], cluster->span[1]) &
                 in_range(byte3, cluster->low[2], cluster->span[2]);
    }
    return any(found);
}

static inline bool is_in(const struct reach_filter *filter, uint64_t address)
{
    for (unsigned i = 0; i < filter->count; i++)
        if (address - filter->clusters[i].start <= filter->clusters[i].size)
            return true;
    return false;
}

static inline void try_each(const struct reach_filter *filter, const unsigned char *bytes, size_t count,
                            reach_found_fn *found, void *arg)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        word &= REACH_ADDRESS_MASK;
        if (is_in(filter, word))
            found(arg, word);
    }
}

static void scan_mangled(const struct reach_filter *filter, const unsigned char *bytes, size_t size,
                         uint64_t address, reach_found_fn *found, void *arg)
{
    for (size_t i = (size_t)(-address & 7); i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        word = (word >> MANGLE_SHIFT | word << (64 - MANGLE_SHIFT)) ^ filter->guard;
        if (is_in(filter, word))
            found(arg, word);
    }
}

void reach_scan(const struct reach_filter *filter, const unsigned char *bytes, size_t size, uint64_t address,
                reach_found_fn *found, void *arg)
{
    if (size < POINTER || !filter->count)
        return;
    size_t starts = size - POINTER + 1;
    for (size_t i = 0; i < starts; i += VECTOR)
        if (may_contain(filter, bytes + i))
            try_each(filter, bytes + i, starts - i < VECTOR ? starts - i : VECTOR, found, arg);
    if (filter->guard)
        scan_mangled(filter, bytes, size, address, found, arg);
}
