/* --baseline and --write-baseline of `threadleak run`. */
#ifndef THREADLEAK_CLI_RUN_BASELINE_H
#define THREADLEAK_CLI_RUN_BASELINE_H

#include "leak/baseline.h"
#include "cli/run/options.h"

struct run_baseline {
    struct baseline *known;  /* --baseline; NULL: none */
    struct baseline *before; /* the file of --write-baseline, whose reasons are kept; NULL: it is new */
    const char *path;        /* --write-baseline; NULL: not given */
    bool written;
    struct baseline_written numbers; /* of the written file */
};

/* Call before COMMAND starts, so that a bad file does not waste a run. */
bool run_baseline_open(struct run_baseline *baseline, const struct run_options *given, struct error *error);

/* Applies --baseline. Call before report_finish, for each run of COMMAND. */
void run_baseline_judge(struct run_baseline *baseline, struct report *report);

/*
 * Call once, after that and before report_finish. Writing a baseline accepts the leaks. Without --baseline no
 * leak counts; with it, new leaks count. `whole` is false after a timeout; then nothing is written.
 */
bool run_baseline_finish(struct run_baseline *baseline, struct report *report, bool whole,
                         struct error *error);

/* Call it after the report. */
void run_baseline_print(const struct run_baseline *baseline, const struct run_options *given);

void run_baseline_release(struct run_baseline *baseline);

#endif
