/* The sites of a process in its metrics. */
#ifndef THREADLEAK_REPORT_METRICS_SITES_H
#define THREADLEAK_REPORT_METRICS_SITES_H

#include <stddef.h>
#include <stdint.h>

#include "report/metrics/metrics.h"

struct metrics_site {
    const struct site_count *site; /* names it; NULL: all others together */
    uint64_t joinable, detached, unjoined, untracked;
};

struct metrics_sites {
    struct metrics_site *items; /* those with the most threads first; the others, if there are any, last */
    size_t count;
};

/* Without sites that have no thread now. Sites with the same labels are one, because two equal series are an
 * error. False: out of memory. Release it in both cases. */
bool metrics_sites_make(struct metrics_sites *sites, const struct site_counts *counts);
void metrics_sites_release(struct metrics_sites *sites);

/* The creator, else the start routine; NULL: unknown. */
const struct frame *metrics_frame(const struct site_count *site);

#endif
