/* A report as a list of tests: one for each process, and others for what belongs to none. */
#ifndef THREADLEAK_REPORT_POINTS_H
#define THREADLEAK_REPORT_POINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "report/report.h"

struct report_point {
    char *name;                           /* the second of a name has " (2)" after it */
    const struct process_report *process; /* NULL: of the run, or of a program that was not watched */
    const char *program;                  /* of one that was not watched; NULL: of none, or not known */
    size_t failures;                      /* counted groups */
    char *error;                          /* why it failed as a whole: the time was over; or NULL */
    char *skipped;                        /* why nothing can be said; or NULL */
};

struct report_points {
    struct report_point *items; /* at least one */
    size_t count;
    size_t failures, errors, skipped; /* how many are that */
};

/* False: out of memory.  Release it either way. */
bool report_points_make(struct report_points *points, const struct report *report);
void report_points_release(struct report_points *points);

#endif
