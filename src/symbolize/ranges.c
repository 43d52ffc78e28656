#include "symbolize/ranges.h"

#include <stdlib.h>

bool ranges_add(struct ranges *ranges, const struct range *range)
{
    if (range->high <= range->low)
        return true;
    if (ranges->count == ranges->room) {
        size_t room = ranges->room ? 2 * ranges->room : 64;
        struct range *items = realloc(ranges->items, room * sizeof(*items));
        if (!items)
            return false;
        ranges->items = items;
        ranges->room = room;
    }
    ranges->items[ranges->count++] = *range;
    ranges->sorted = false;
    return true;
}

/* Of equal beginnings, the one to find comes last: the higher rank, then the shorter. */
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
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    while (low-- > 0 && ranges->items[low].reach > address)
        if (ranges->items[low].high > address)
            return &ranges->items[low];
    return NULL;
}

void ranges_release(struct ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct ranges){0};
}
