#include "symbolize/ranges.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"

bool ranges_add(struct ranges *ranges, const struct range *range)
{
    if (range->high <= range->low)
        return true;
    if (!ARRAY_GROW(ranges->items, ranges->count))
        return false;
    ranges->items[ranges->count++] = *range;
    ranges->sorted = false;
    return true;
}

/* Of ranges with one beginning, the one to find comes last: the one with the higher rank, then the shorter
 * one. */
static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->high != y->high)
        return x->high > y->high ? -1 : 1;
    return 0;
}

static void sort(struct ranges *ranges)
{
    struct range *items = ranges->items;
    uint64_t next = UINT64_MAX, reach = 0;
    if (ranges->count)
        qsort(items, ranges->count, sizeof(*items), compare_ranges);
    for (size_t i = ranges->count; i-- > 0;) {
        if (i + 1 < ranges->count && items[i + 1].low != items[i].low)
            next = items[i + 1].low;
        if (items[i].open && items[i].high > next)
            items[i].high = next;
    }
    for (size_t i = 0; i < ranges->count; i++) {
        reach = items[i].high > reach ? items[i].high : reach;
        items[i].reach = reach;
    }
    ranges->sorted = true;
}

const struct range *ranges_find(struct ranges *ranges, uint64_t address)
{
    if (!ranges->sorted)
        sort(ranges);
    size_t at = SEARCH_FIRST(i, ranges->count, ranges->items[i].low > address);
    while (at-- > 0 && ranges->items[at].reach > address)
        if (ranges->items[at].high > address)
            return &ranges->items[at];
    return NULL;
}

void ranges_release(struct ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct ranges){0};
}
