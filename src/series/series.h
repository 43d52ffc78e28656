/*
 * Counts over time, and whether they grow without end. These functions are pure: they call no system, so
 * their tests judge recorded series.
 *
 * A series keeps samples at several scales: each sample, the least of two, of four, of eight, … The least of
 * many samples is what never goes away, so requests in flight, bursts and the teeth of a saw do not count. A
 * series grows if its kept samples of one scale rose one after the other, with at least one of
 *
 *     4 rises, 3 seconds and 32 threads
 *     8 rises, 1 minute and 20 threads
 *     8 rises, 10 minutes and 8 threads
 *
 * Of threads that have ended and were not joined half as many are enough: no pool keeps them. A pool that
 * grows to its size and stays there, or begins slowly, does not rise for that long, or by that much. If the
 * count fell once by half of what it had risen, it grows only above the highest count before.
 *
 * A series that has grown keeps its verdict until the count contradicts it: it falls by half of the rise, or
 * stays where it is for as long as it had risen.
 */
#ifndef THREADLEAK_SERIES_SERIES_H
#define THREADLEAK_SERIES_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERIES_SCALES = 16, SERIES_KEPT = 16 };

struct growth_rules {
    unsigned rises;   /* kept samples that rose one after the other */
    uint64_t threads; /* least rise over them */
    double seconds;   /* least time over them */
};
enum { GROWTH_RULES = 3 };
/* The rules above; unjoined: those of unjoined threads. rises: 0, or what the user chose. */
void growth_rules_set(struct growth_rules rules[GROWTH_RULES], bool unjoined, unsigned rises);

struct kept_sample {
    double at_s;
    uint64_t count;
};

struct series {
    /* Latest last. Of each scale the least count of 1 << scale samples. */
    struct series_scale {
        struct kept_sample kept[SERIES_KEPT];
        size_t count;
        struct kept_sample pending; /* of the first of two */
        bool has_pending;
    } scales[SERIES_SCALES];
    struct kept_sample latest;
    uint64_t samples;
    uint64_t base, peak; /* since the last fall: the least count, and the highest one after it */
    uint64_t fallen;     /* the highest peak before a fall; 0: it has not fallen */

    bool grows;
    struct growth {
        struct kept_sample from, to; /* the rise */
        unsigned rises;
        double per_s;
        double changed_s; /* time of the latest rise above `to` */
    } growth;             /* valid if it grows */
};

/* Adds a sample and judges. A time that is not after the latest one (a clock that jumps) is ignored. */
void series_add(struct series *series, double at_s, uint64_t count,
                const struct growth_rules rules[GROWTH_RULES]);

/* Threads a second over the latest kept samples, with sign; 0 if there are less than two. */
double series_rate(const struct series *series);
/* Seconds until the count is twice as high, at the rate of its growth; < 0: it does not grow. */
double series_doubling_s(const struct series *series);
/* Seconds until `used` reaches `most` at a rate; 0: it has; < 0: never. */
double seconds_until(uint64_t used, uint64_t most, double per_s);

#endif
