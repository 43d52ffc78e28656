#include "preload/shim/index.h"

#define FIRST_LEVEL_BITS 9 /* 512 entries: one page */
#define BUCKET 8           /* entries: one cache line */
#define KEY_MASK ((1ull << INDEX_KEY_BITS) - 1)

static size_t level_entries(uint32_t level)
{
    return (size_t)1 << (FIRST_LEVEL_BITS + 2 * level);
}

static size_t level_start(uint32_t level)
{
    /* 512 * (1 + 4 + … + 4^(level-1)) */
    return (((size_t)1 << (2 * level)) - 1) / 3 << FIRST_LEVEL_BITS;
}

static uint64_t make_entry(uint64_t key, uint32_t value)
{
    return (key & KEY_MASK) << 20 | (value + 1);
}

/* The two buckets of a key in a level. */
struct places {
    _Atomic uint64_t *bucket[2];
};

static inline struct places find_places(struct index *index, uint32_t level, uint64_t key)
{
    uint64_t hash = (key & KEY_MASK) * 0x9e3779b97f4a7c15ull;
    size_t mask = level_entries(level) / BUCKET - 1;
    _Atomic uint64_t *table = index->entries + level_start(level);
    return (struct places){{table + ((hash >> 40) & mask) * BUCKET, table + ((hash >> 20) & mask) * BUCKET}};
}

size_t index_bytes(uint32_t levels)
{
    return level_start(levels) * sizeof(uint64_t);
}

void index_init(struct index *index, void *zeroed, uint32_t levels)
{
    index->entries = zeroed;
    index->levels = levels;
    atomic_store(&index->top, 0);
}

static bool insert_at(struct places places, uint64_t entry)
{
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < BUCKET; i++) {
            uint64_t found = atomic_load_explicit(&places.bucket[b][i], memory_order_relaxed);
            if (found == entry)
                return true;
            if (found == 0 && atomic_compare_exchange_strong(&places.bucket[b][i], &found, entry))
                return true;
        }
    return false;
}

bool index_insert(struct index *index, uint64_t key, uint32_t value)
{
    if (!index->entries || value > INDEX_VALUE_MAX)
        return false;
    uint32_t level = atomic_load_explicit(&index->top, memory_order_relaxed);
    while (!insert_at(find_places(index, level, key), make_entry(key, value))) {
        if (level + 1 >= index->levels)
            return false;
        atomic_compare_exchange_strong(&index->top, &level, level + 1);
        level = atomic_load(&index->top);
    }
    return true;
}

void index_clear(struct index *index)
{
    if (!index->entries)
        return;
    size_t end = level_start(atomic_load(&index->top) + 1);
    for (size_t i = 0; i < end; i++)
        if (atomic_load_explicit(&index->entries[i], memory_order_relaxed))
            atomic_store_explicit(&index->entries[i], 0, memory_order_relaxed);
}

bool index_find(struct index *index, uint64_t key, index_accept_fn *accept, void *arg)
{
    if (!index->entries)
        return false;
    for (int level = (int)atomic_load(&index->top); level >= 0; level--) {
        struct places places = find_places(index, (uint32_t)level, key);
        for (int b = 0; b < 2; b++)
            for (int i = 0; i < BUCKET; i++) {
                uint64_t found = atomic_load_explicit(&places.bucket[b][i], memory_order_acquire);
                if (found >> 20 == (key & KEY_MASK) && found && accept(arg, (uint32_t)(found & 0xfffff) - 1))
                    return true;
            }
    }
    return false;
}
