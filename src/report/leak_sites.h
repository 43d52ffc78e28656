/* Leaks by site over all processes of a report. */
#ifndef THREADLEAK_REPORT_LEAK_SITES_H
#define THREADLEAK_REPORT_LEAK_SITES_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/model.h"

/* Counted groups of one fingerprint. */
struct leak_site {
    const struct leak_group *group;       /* the first */
    const struct process_report *process; /* the last that has it */
    size_t threads, processes;            /* processes: those that have it */
};
struct leak_sites {
    struct leak_site *items; /* in the order of the report */
    size_t count;
};

/* False: out of memory.  Free `items` either way. */
bool leak_sites_find(struct leak_sites *sites, const struct report *report);

#endif
