#include "report/metrics/sites.h"

#include <stdlib.h>
#include <string.h>

#include "leak/model.h"

static uint64_t threads_of(const struct metrics_site *site)
{
    return site->joinable + site->detached + site->unjoined + site->untracked;
}

static void add(struct metrics_site *to, const struct metrics_site *from)
{
    to->joinable += from->joinable;
    to->detached += from->detached;
    to->unjoined += from->unjoined;
    to->untracked += from->untracked;
}

static int compare_text(const char *a, const char *b)
{
    return a == b ? 0 : strcmp(a ? a : "", b ? b : "");
}

/* Of what the labels are made. */
static int compare_labels(const struct metrics_site *a, const struct metrics_site *b)
{
    const struct frame *x = metrics_frame(a->site), *y = metrics_frame(b->site);
    int order = strcmp(a->site->fingerprint, b->site->fingerprint);
    if (order || !x || !y)
        return order ? order : (x != NULL) - (y != NULL);
    order = compare_text(x->file, y->file);
    order = order ? order : x->line - y->line;
    order = order ? order : compare_text(x->function, y->function);
    return order || x->function ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

static int by_labels(const void *a, const void *b)
{
    return compare_labels(a, b);
}

static int by_size(const void *left, const void *right)
{
    const struct metrics_site *a = left, *b = right;
    if (threads_of(a) != threads_of(b))
        return threads_of(a) > threads_of(b) ? -1 : 1;
    return compare_labels(a, b);
}

static void merge_equal(struct metrics_sites *sites)
{
    size_t kept = 0;
    qsort(sites->items, sites->count, sizeof(*sites->items), by_labels);
    for (size_t i = 0; i < sites->count; i++)
        if (kept && compare_labels(&sites->items[kept - 1], &sites->items[i]) == 0)
            add(&sites->items[kept - 1], &sites->items[i]);
        else
            sites->items[kept++] = sites->items[i];
    sites->count = kept;
}

static void merge_small(struct metrics_sites *sites)
{
    qsort(sites->items, sites->count, sizeof(*sites->items), by_size);
    if (sites->count <= METRICS_SITES)
        return;
    struct metrics_site *others = &sites->items[METRICS_SITES];
    others->site = NULL;
    for (size_t i = METRICS_SITES + 1; i < sites->count; i++)
        add(others, &sites->items[i]);
    sites->count = METRICS_SITES + 1;
}

bool metrics_sites_make(struct metrics_sites *sites, const struct site_counts *counts)
{
    *sites = (struct metrics_sites){calloc(counts->count + 1, sizeof(*sites->items)), 0};
    if (!sites->items)
        return false;
    for (size_t i = 0; i < counts->count; i++) {
        const struct site_threads *threads = &counts->items[i].threads;
        const struct metrics_site site = {&counts->items[i], threads->joinable, threads->alive_detached,
                                          threads->unjoined, threads->untracked};
        if (threads_of(&site))
            sites->items[sites->count++] = site;
    }
    if (!sites->count)
        return true;
    merge_equal(sites);
    merge_small(sites);
    return true;
}

void metrics_sites_release(struct metrics_sites *sites)
{
    free(sites->items);
}

const struct frame *metrics_frame(const struct site_count *site)
{
    const struct frame *creator = creator_frame(site->place);
    return creator ? creator : site->place->start_routine;
}
