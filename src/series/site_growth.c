#include "series/site_growth.h"

#include <stdlib.h>

#include "base/array.h"
#include "series/series.h"

enum { OF_ALIVE, OF_UNJOINED, SERIES_OF };

/* The least growth that can be reported is of 8 live or 4 unjoined threads (series.h), so half of that is
 * missed. */
static const uint64_t begins_after[SERIES_OF] = {4, 2};

struct site_growth {
    struct one_growth {
        uint64_t least;        /* threads at any moment */
        struct series *series; /* NULL: not yet */
    } of[SERIES_OF];
};

static bool add(struct one_growth *growth, int which, uint64_t threads, double at_s)
{
    struct growth_rules rules[GROWTH_RULES];
    if (threads < growth->least)
        growth->least = threads;
    if (!growth->series && threads >= growth->least + begins_after[which])
        growth->series = calloc(1, sizeof(*growth->series));
    if (!growth->series)
        return false;
    growth_rules_set(rules, which == OF_UNJOINED, 0);
    series_add(growth->series, at_s, threads, rules);
    return growth->series->grows;
}

static bool add_sites(struct site_growths *growths, size_t count)
{
    while (growths->count < count) {
        if (!ARRAY_GROW(growths->items, growths->count))
            return false;
        growths->items[growths->count++] = (struct site_growth){{{UINT64_MAX, NULL}, {UINT64_MAX, NULL}}};
    }
    return true;
}

size_t site_growths_add(struct site_growths *growths, const struct site_counts *counts, double at_s)
{
    size_t grow = 0;
    add_sites(growths, counts->count);
    for (size_t i = 0; i < counts->count && i < growths->count; i++) {
        const struct site_threads *threads = &counts->items[i].threads;
        uint64_t alive = threads->joinable + threads->alive_detached + threads->untracked;
        bool more = add(&growths->items[i].of[OF_ALIVE], OF_ALIVE, alive, at_s);
        more |= add(&growths->items[i].of[OF_UNJOINED], OF_UNJOINED, threads->unjoined, at_s);
        grow += more;
    }
    return grow;
}

void site_growths_release(struct site_growths *growths)
{
    for (size_t i = 0; i < growths->count; i++)
        for (int which = 0; which < SERIES_OF; which++)
            free(growths->items[i].of[which].series);
    free(growths->items);
    *growths = (struct site_growths){.items = NULL};
}
