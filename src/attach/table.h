/* A hash table from one integer to another. 0 is neither a key nor a value. */
#ifndef THREADLEAK_ATTACH_TABLE_H
#define THREADLEAK_ATTACH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table { /* zeroed: empty */
    struct table_entry {
        uint64_t key, value;
    } * entries;
    size_t size, used; /* size: 0, or a power of two */
};

static inline uint64_t table_hash(uint64_t value)
{
    value *= 0x9e3779b97f4a7c15ull;
    return value ^ value >> 29;
}

/* 0: not in the table. */
uint64_t table_find(const struct table *table, uint64_t key);
/* False: out of memory. */
bool table_set(struct table *table, uint64_t key, uint64_t value);
/* A key that is not in the table: no effect. */
void table_remove(struct table *table, uint64_t key);
/* Frees the entries. The table is empty then. */
void table_release(struct table *table);

#endif
