/*
 * Do the threads of a site grow in number? For all sites of a process, of which there can be thousands: a
 * series begins only when a site has more threads than it had before. Pure, as series.h.
 */
#ifndef THREADLEAK_SERIES_SITE_GROWTH_H
#define THREADLEAK_SERIES_SITE_GROWTH_H

#include "leak/site_counts.h"

struct site_growth;

struct site_growths {
    struct site_growth *items; /* by the index in site_counts.items */
    size_t count;
};

/* Adds the counts of a moment, and returns how many sites grow. `growths` begins with zeros, and is for one
 * site table. Without memory a site is not judged. */
size_t site_growths_add(struct site_growths *growths, const struct site_counts *counts, double at_s);
void site_growths_release(struct site_growths *growths);

#endif
