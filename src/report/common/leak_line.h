/*
 * A leak in one line; leaks by site over all processes.
 *
 * Strings are malloc'ed, NULL when out of memory.  A line is well-formed UTF-8 without control characters:
 * other bytes are written as \xNN.
 */
#ifndef THREADLEAK_REPORT_COMMON_LEAK_LINE_H
#define THREADLEAK_REPORT_COMMON_LEAK_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "leak/model.h"

/* Counted groups with one fingerprint and the same lines of their callers. */
struct leak_site {
    const struct leak_group *group;       /* the first */
    const struct process_report *process; /* the last one with it */
    size_t threads, finished, processes;  /* finished: of the threads; processes: number with it */
    size_t being_joined;                  /* of the threads */
    bool joining; /* a thread that was created there, counted or not, is being joined */
};
struct leak_sites {
    struct leak_site *items; /* in the order of the report */
    size_t count;
};

/* False: out of memory. Free `items` in both cases. */
bool leak_sites_find(struct leak_sites *sites, const struct report *report);
/* The site that has the group alone. */
struct leak_site leak_site_of(const struct leak_group *group);
/* Adds the threads of a group to a site. */
void leak_site_add(struct leak_site *site, const struct leak_group *group);

/* "never joined", "not joined yet": a thread of the site is being joined; or "being joined": all are.
 * "still alive" of detached threads. */
const char *leak_site_joins(const struct leak_site *site);

/* "2 running threads, never joined, created by pool_start (pool.c:42), run worker_loop" */
char *leak_line(const struct leak_site *site);

/* The same with the finding that says why: "deadlock: T1 joins T2, …; 1 running thread, never joined, …". A
 * finding without a verdict is at its end. */
char *leak_message(const struct leak_site *site);

#endif
