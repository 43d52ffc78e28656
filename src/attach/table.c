#include "attach/table.h"

#include <stdlib.h>

/* The entry of the key, or the free one where it belongs. */
static size_t place_of(const struct table *table, uint64_t key)
{
    size_t at = table_hash(key) & (table->size - 1);
    while (table->entries[at].key && table->entries[at].key != key)
        at = (at + 1) & (table->size - 1);
    return at;
}

uint64_t table_find(const struct table *table, uint64_t key)
{
    return table->size ? table->entries[place_of(table, key)].value : 0;
}

static bool grow(struct table *table)
{
    struct table larger = {.size = table->size ? 2 * table->size : 64, .used = table->used};
    larger.entries = calloc(larger.size, sizeof(*larger.entries));
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < table->size; i++)
        if (table->entries[i].key)
            larger.entries[place_of(&larger, table->entries[i].key)] = table->entries[i];
    free(table->entries);
    *table = larger;
    return true;
}

bool table_set(struct table *table, uint64_t key, uint64_t value)
{
    if (2 * table->used >= table->size && !grow(table))
        return false;
    struct table_entry *entry = &table->entries[place_of(table, key)];
    table->used += !entry->key;
    *entry = (struct table_entry){key, value};
    return true;
}

/* The entries after it move up, so that the search for them does not end early. */
void table_remove(struct table *table, uint64_t key)
{
    size_t at = table->size ? place_of(table, key) : 0;
    if (!table->size || !table->entries[at].key)
        return;
    table->entries[at] = (struct table_entry){0, 0};
    table->used--;
    for (at = (at + 1) & (table->size - 1); table->entries[at].key; at = (at + 1) & (table->size - 1)) {
        struct table_entry moved = table->entries[at];
        table->entries[at] = (struct table_entry){0, 0};
        table->entries[place_of(table, moved.key)] = moved;
    }
}

void table_release(struct table *table)
{
    free(table->entries);
    *table = (struct table){0};
}
