#include "series/series.h"

#include <string.h>

void growth_rules_set(struct growth_rules rules[GROWTH_RULES], bool unjoined, unsigned rises)
{
    uint64_t share = unjoined ? 2 : 1;
    rules[0] = (struct growth_rules){rises ? rises : 4, 32 / share, 3};
    rules[1] = (struct growth_rules){rises ? rises : 8, 20 / share, 60};
    rules[2] = (struct growth_rules){rises ? rises : 8, 8 / share, 600};
}

/* ---- kept samples ---------------------------------------------------------------------------- */

static void keep(struct series_scale *scale, struct kept_sample sample)
{
    if (scale->count == SERIES_KEPT) {
        memmove(scale->kept, scale->kept + 1, (SERIES_KEPT - 1) * sizeof(*scale->kept));
        scale->count--;
    }
    scale->kept[scale->count++] = sample;
}

/* Two kept samples of one scale are one of the next. */
static void keep_all(struct series *series, struct kept_sample sample)
{
    for (size_t i = 0; i < SERIES_SCALES; i++) {
        struct series_scale *scale = &series->scales[i];
        keep(scale, sample);
        if (!scale->has_pending) {
            scale->pending = sample;
            scale->has_pending = true;
            return;
        }
        scale->has_pending = false;
        if (scale->pending.count < sample.count)
            sample.count = scale->pending.count;
    }
}

/* ---- falls ----------------------------------------------------------------------------------- */

static void follow(struct series *series, uint64_t count)
{
    bool fell = count < series->peak && (series->peak - count) * 2 >= series->peak - series->base;
    if (series->samples == 1 || fell) {
        if (fell && series->peak > series->fallen)
            series->fallen = series->peak;
        series->base = series->peak = count;
    } else if (count < series->base) {
        series->base = series->peak = count;
    } else if (count > series->peak) {
        series->peak = count;
    }
}

/* ---- growth ---------------------------------------------------------------------------------- */

static struct growth latest_rise(const struct series_scale *scale)
{
    struct growth rise = {.rises = 0};
    size_t first = scale->count - 1;
    while (first > 0 && scale->kept[first - 1].count < scale->kept[first].count)
        first--;
    rise.rises = (unsigned)(scale->count - 1 - first);
    rise.from = scale->kept[first];
    rise.to = scale->kept[scale->count - 1];
    double seconds = rise.to.at_s - rise.from.at_s;
    rise.per_s = seconds > 0 ? (double)(rise.to.count - rise.from.count) / seconds : 0;
    rise.changed_s = rise.to.at_s;
    return rise;
}

/* A pool that has nearly reached its size. */
static bool slows_down(const struct series_scale *scale, const struct growth *rise)
{
    uint64_t last = rise->to.count - scale->kept[scale->count - 2].count;
    return last * 2 * rise->rises < rise->to.count - rise->from.count;
}

static bool is_growth(const struct series *series, const struct growth *rise, const struct growth_rules *rule)
{
    return rise->rises >= rule->rises && rise->to.count - rise->from.count >= rule->threads &&
           rise->to.at_s - rise->from.at_s >= rule->seconds && rise->to.count > series->fallen;
}

static bool find_growth(const struct series *series, const struct growth_rules rules[GROWTH_RULES],
                        struct growth *found)
{
    for (size_t i = 0; i < SERIES_SCALES && series->scales[i].count; i++) {
        *found = latest_rise(&series->scales[i]);
        if (!found->rises || slows_down(&series->scales[i], found))
            continue;
        for (size_t j = 0; j < GROWTH_RULES; j++)
            if (is_growth(series, found, &rules[j]))
                return true;
    }
    return false;
}

static bool is_contradicted(const struct growth *growth, struct kept_sample latest)
{
    uint64_t half = growth->from.count + (growth->to.count - growth->from.count) / 2;
    double rose_s = growth->to.at_s - growth->from.at_s;
    return latest.count < half || latest.at_s - growth->changed_s >= rose_s;
}

/* The rise goes on: its beginning stays. */
static void extend(struct growth *growth, const struct growth *rise)
{
    struct kept_sample from = growth->from;
    *growth = *rise;
    growth->from = from;
}

static void judge(struct series *series, const struct growth_rules rules[GROWTH_RULES])
{
    struct growth *growth = &series->growth, found;
    if (find_growth(series, rules, &found)) {
        if (series->grows && found.to.count > growth->to.count)
            extend(growth, &found);
        else if (!series->grows)
            *growth = found;
        series->grows = true;
    } else if (series->grows && series->latest.count > growth->to.count) {
        growth->to = series->latest;
        growth->changed_s = series->latest.at_s;
    } else if (series->grows && is_contradicted(growth, series->latest)) {
        series->grows = false;
    }
}

void series_add(struct series *series, double at_s, uint64_t count,
                const struct growth_rules rules[GROWTH_RULES])
{
    if (series->samples && at_s <= series->latest.at_s)
        return;
    series->samples++;
    series->latest = (struct kept_sample){at_s, count};
    keep_all(series, series->latest);
    follow(series, count);
    judge(series, rules);
}

/* ---- rates ----------------------------------------------------------------------------------- */

double series_rate(const struct series *series)
{
    const struct series_scale *scale = &series->scales[0];
    if (scale->count < 2)
        return 0;
    const struct kept_sample *first = &scale->kept[0], *last = &scale->kept[scale->count - 1];
    return ((double)last->count - (double)first->count) / (last->at_s - first->at_s);
}

double series_doubling_s(const struct series *series)
{
    if (!series->grows || series->growth.per_s <= 0)
        return -1;
    return (double)series->latest.count / series->growth.per_s;
}

double seconds_until(uint64_t used, uint64_t most, double per_s)
{
    if (used >= most)
        return 0;
    return per_s > 0 ? (double)(most - used) / per_s : -1;
}
