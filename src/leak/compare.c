#include "leak/compare.h"

#include <stdlib.h>
#include <string.h>

const char *change_name(enum change change)
{
    static const char *const names[CHANGES] = {"new", "grown", "gone", "fewer", "same"};
    return names[change];
}

static int compare_keys(const struct reported_site *a, const struct reported_site *b)
{
    int order = strcmp(a->program, b->program);
    return order ? order : strcmp(a->fingerprint, b->fingerprint);
}

static enum change change_of(const struct reported_site *a, const struct reported_site *b)
{
    if (!a)
        return CHANGE_NEW;
    if (!b)
        return CHANGE_GONE;
    if (b->threads > a->threads || b->places > a->places)
        return CHANGE_GROWN;
    return b->threads < a->threads ? CHANGE_FEWER : CHANGE_SAME;
}

static void add(struct comparison *comparison, const struct reported_site *a, const struct reported_site *b)
{
    enum change change = change_of(a, b);
    comparison->sites[comparison->count++] = (struct compared_site){change, a, b};
    comparison->numbers[change]++;
}

static uint64_t difference(const struct compared_site *site)
{
    uint64_t a = site->a ? site->a->threads : 0, b = site->b ? site->b->threads : 0;
    return a > b ? a - b : b - a;
}

static int compare_changes(const void *left, const void *right)
{
    const struct compared_site *a = left, *b = right;
    if (a->change != b->change)
        return (int)a->change - (int)b->change;
    if (difference(a) != difference(b))
        return difference(a) > difference(b) ? -1 : 1;
    return compare_keys(a->a ? a->a : a->b, b->a ? b->a : b->b);
}

static bool share_program(const struct reported *a, const struct reported *b)
{
    for (size_t i = 0; i < a->program_count; i++)
        for (size_t j = 0; j < b->program_count; j++)
            if (strcmp(a->programs[i], b->programs[j]) == 0)
                return true;
    return !a->program_count || !b->program_count;
}

bool compare_reported(struct comparison *comparison, const struct reported *a, const struct reported *b)
{
    size_t i = 0, j = 0;
    *comparison = (struct comparison){.other_programs = !share_program(a, b)};
    comparison->sites = calloc(a->count + b->count + 1, sizeof(*comparison->sites));
    if (!comparison->sites)
        return false;
    while (i < a->count || j < b->count) {
        int order = i == a->count ? 1 : j == b->count ? -1 : compare_keys(&a->sites[i], &b->sites[j]);
        add(comparison, order <= 0 ? &a->sites[i] : NULL, order >= 0 ? &b->sites[j] : NULL);
        i += order <= 0;
        j += order >= 0;
    }
    qsort(comparison->sites, comparison->count, sizeof(*comparison->sites), compare_changes);
    return true;
}

void comparison_release(struct comparison *comparison)
{
    free(comparison->sites);
    *comparison = (struct comparison){.sites = NULL};
}
