/*
 * What the formats for other people's programs have in common: one line and many
 * lines on a leak, where to point at, sites over all processes, test points.
 *
 * Strings are malloc'ed, NULL when out of memory.  Those of titles and lines are well-formed
 * UTF-8 without control characters: what else there was stands in them as \xNN.
 */
#ifndef THREADLEAK_REPORT_PARTS_H
#define THREADLEAK_REPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "report/report.h"

/* "2 running threads, never joined, created by pool_start (pool.c:42), run worker_loop" */
char *leak_line(const struct leak_group *group, size_t threads, size_t processes);
/* As the text report has it, in several lines. */
char *leak_details(const struct leak_group *group);
/* The command, or the test, of a process. */
char *process_as_test(const struct process_report *process);
/* As text formats have it on their way out: control characters as \xNN. */
char *escaped_copy(const char *text);

/* The directory that paths of sources are relative to: $GITHUB_WORKSPACE where the working
 * directory is in it, else the working directory; "" when that is not known. */
const char *source_root(void);
/* The path below that directory, else as it is; ./ and // are left out. */
void format_source_path(char *out, size_t size, const char *path);

/* The frame of the creation stack to point at, one with a file: the first that lies below
 * source_root(), else the user's own first one.  NULL: there is none. */
const struct frame *leak_place(const struct leak_group *group);

/* Counted groups of one fingerprint in all processes. */
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
