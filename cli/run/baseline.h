/* --baseline and --write-baseline of `threadleak run`. */
#ifndef THREADLEAK_CLI_RUN_BASELINE_H
#define THREADLEAK_CLI_RUN_BASELINE_H

#include "leak/baseline.h"
#include "cli/run/options.h"

struct run_baseline {
    struct baseline *known; /* --baseline; NULL: none */
    const char *path;       /* --write-baseline; NULL: not asked for */
    bool written;
    size_t entries; /* of what was written */
};

/* Before COMMAND, so that a bad file costs nobody a run. */
bool run_baseline_open(struct run_baseline *baseline, const struct run_options *given, struct error *error);

/*
 * Before report_finish.  Writing accepts: without --baseline nothing counts
 * afterwards; with it, what is new against it still does.  `whole` is false of a
 * run that was cut off, of which nothing is written.
 */
bool run_baseline_judge(struct run_baseline *baseline, struct report *report, bool whole,
                        struct error *error);

/* After the report. */
void run_baseline_say(const struct run_baseline *baseline, const struct run_options *given);

void run_baseline_release(struct run_baseline *baseline);

#endif
