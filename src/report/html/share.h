/* Writes equal values of a report once. */
#ifndef THREADLEAK_REPORT_HTML_SHARE_H
#define THREADLEAK_REPORT_HTML_SHARE_H

#include <jansson.h>
#include <stdbool.h>

/* An array of different values. */
struct shared_values {
    json_t *values; /* the array */
    json_t *places; /* text of a value: its index */
};

/* False: out of memory. Release both members in both cases. */
bool shared_values_make(struct shared_values *shared);

/* Replaces the values of threads in report.processes, and the frames in all stacks, by their indexes. Adds
 * them to `values` and `frames`. False: out of memory. */
bool share_report(json_t *report, struct shared_values *values, struct shared_values *frames);

#endif
