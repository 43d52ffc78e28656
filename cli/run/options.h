/* The command line of `threadleak run`. */
#ifndef THREADLEAK_CLI_RUN_OPTIONS_H
#define THREADLEAK_CLI_RUN_OPTIONS_H

#include <stdbool.h>

#include "cli/common/command.h"
#include "common/options.h"
#include "cli/common/findings.h"
#include "cli/common/outputs.h"
#include "cli/common/suppressions.h"

struct run_options {
    struct options options; /* THREADLEAK_OPTIONS, overridden by the command line */
    char *text;             /* what the command line adds to THREADLEAK_OPTIONS; malloc'ed */
    struct suppression_options suppressions;
    struct finding_options findings;
    struct wanted_outputs outputs; /* default: text on standard error */
    bool per_process;
    const char *write_baseline; /* a file, or NULL */
    int leak_status;            /* 0: keep COMMAND's status */
    int verbose;                /* -1, 0, 1 */
    double timeout_s;           /* 0: none */
    unsigned repeat;            /* number of runs; 0: not given */
    unsigned shake;             /* seed of the first run; 0: no pauses */
    bool debuginfod;
    bool require_watched;
    char **command; /* NULL-terminated; part of argv */
};

extern const struct command_option run_option_table[];

/* Release it in all cases. */
enum command_parsed run_options_parse(const struct command *command, struct run_options *run, int argc,
                                      char **argv);
void run_options_release(struct run_options *run);

#endif
