#include "preload/shim/index.h"

#define PAGE 512 /* entries */
#define BUCKET 8
#define KEY_MASK ((1ull << INDEX_KEY_BITS) - 1)

static uint64_t hash_of(uint64_t key)
{
    return (key & KEY_MASK) * 0x9e3779b97f4a7c15ull;
}

/* which: 0 or 1. */
static inline _Atomic uint64_t *bucket_of(struct index *index, uint64_t hash, int which)
{
    uint64_t page = (hash >> 40) % (INDEX_ENTRIES / PAGE);
    uint64_t bucket = hash >> (which ? 58 : 52);
    return index->entries + page * PAGE + bucket % (PAGE / BUCKET) * BUCKET;
}

void index_insert(struct index *index, uint64_t key, uint32_t value)
{
    uint64_t hash = hash_of(key), entry = (key & KEY_MASK) << 20 | (value + 1);
    for (int i = 0; i < 2 * BUCKET; i++) {
        _Atomic uint64_t *place = bucket_of(index, hash, i / BUCKET) + i % BUCKET;
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(place, &found, entry) || found == entry)
            return;
    }
    /* Another one is forgotten: each time in another place, so that two keys in use do not always replace one
     * another while other places have keys that nobody asks for any more. */
    uint32_t turn = atomic_fetch_add_explicit(&index->turn, 1, memory_order_relaxed) % (2 * BUCKET);
    atomic_store(bucket_of(index, hash, turn / BUCKET) + turn % BUCKET, entry);
}

bool index_find(struct index *index, uint64_t key, index_accept_fn *accept, void *arg)
{
    uint64_t hash = hash_of(key);
    for (int i = 0; i < 2 * BUCKET; i++) {
        uint64_t found =
            atomic_load_explicit(bucket_of(index, hash, i / BUCKET) + i % BUCKET, memory_order_acquire);
        if (found >> 20 == (key & KEY_MASK) && found && accept(arg, (uint32_t)(found & 0xfffff) - 1))
            return true;
    }
    return false;
}
