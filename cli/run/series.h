/* `run --repeat=N`: the reports of several runs of COMMAND, as one. */
#ifndef THREADLEAK_CLI_RUN_SERIES_H
#define THREADLEAK_CLI_RUN_SERIES_H

#include <stdbool.h>

#include "leak/model.h"

struct run_series {
    unsigned number;      /* of the current run, from 1 on; 0: COMMAND runs only once */
    struct report *total; /* NULL: no run has ended yet */
    struct series_part {
        struct report *report;
        struct symbolizer *symbolizer;
    } * parts; /* that `total` refers to */
    size_t part_count;
    int status; /* of the first run whose status was not 0 for another reason than leaks */
    bool over;  /* no further run */
};

/* Adds the report of a run, and takes over report and symbolizer. False: out of memory. */
bool run_series_add(struct run_series *series, struct report *report, struct symbolizer *symbolizer);
/* Counts the exit status of the run. A series ends when threadleak failed, when COMMAND could not be run,
 * timed out, or was ended by a signal that ends this program, too. */
void run_series_count(struct run_series *series, int status);
void run_series_release(struct run_series *series);

#endif
