/* One `threadleak run`, from its command line to its exit status. */
#ifndef THREADLEAK_CLI_RUN_RUN_H
#define THREADLEAK_CLI_RUN_RUN_H

#include <limits.h>
#include <stdbool.h>

#include "cli/common/outputs.h"
#include "cli/common/run_dir.h"
#include "cli/run/baseline.h"
#include "cli/run/child.h"
#include "cli/run/ledgers.h"
#include "cli/run/options.h"
#include "cli/run/series.h"
#include "cli/run/server.h"
#include "snapshot/snapshot.h"

struct run {
    struct run_options given;
    char path[PATH_MAX]; /* of COMMAND */
    char directory[RUN_DIR_MAX];
    char *shim;
    char **environment;
    struct run_child child;
    struct run_server server;
    struct outputs outputs;
    struct run_baseline baseline;
    struct run_ledgers ledgers;
    struct run_series series; /* of --repeat */
    int wait_status;
    bool timed_out;
    struct snapshot_holds holds; /* processes that stay stopped from their report to their end */
};

/* Makes the report of the ledgers (at a timeout also of all live processes), and prints it with the notes.
 * `status` is the exit status so far. Returns the final exit status. If the report fails, a message is
 * printed, and COMMAND's status stays if it is not 0. */
int run_report(struct run *run, int status);

/* In a series of runs, run_report() only adds each report to the series. This prints them all, and returns
 * the final exit status. */
int run_report_series(struct run *run);

#endif
