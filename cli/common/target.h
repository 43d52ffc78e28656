/*
 * An argument of `threadleak report` and `diff`: a PID or name, or the file or directory of a dead process.
 */
#ifndef THREADLEAK_CLI_COMMON_TARGET_H
#define THREADLEAK_CLI_COMMON_TARGET_H

#include <stdbool.h>

#include "suppress/suppress.h"
#include "leak/build.h"
#include "common/options.h"

struct report_target {
    const struct options *options;
    const struct suppressions *suppressions;
    bool judge_live; /* judge a live process as if it ended now */
    bool no_stop;    /* read only /proc: no current stacks */
    bool all_sites;  /* the report needs process_report.sites */
    unsigned find;   /* which findings to search for (find.h) */
    struct symbolizer *symbolizer;
    struct report *report;
    struct error error;
};

/* Adds it to the report. Prints on standard error what is missing. False: error has the reason. */
bool report_target_add(struct report_target *job, const char *target);

/* The pid of COMMAND when `pid` is a `threadleak run`, else 0. */
pid_t run_command_of(pid_t pid);

#endif
