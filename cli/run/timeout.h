/* What `run --timeout` reports when the time is over: every process that is there. */
#ifndef THREADLEAK_CLI_RUN_TIMEOUT_H
#define THREADLEAK_CLI_RUN_TIMEOUT_H

#include "leak/build.h"
#include "cli/run/ledgers.h"
#include "cli/run/judge.h"

/* "30s", "5m", "1h", "500ms", "30": seconds.  False: not a duration. */
bool run_timeout_parse(const char *text, double *seconds);

/* The watched ones of `ledgers` and the others of the tree, with current stacks. */
bool run_timeout_fill(struct report *report, struct run_ledgers *ledgers, pid_t root, const char *directory,
                      const struct run_judge *judge, struct error *error);

#endif
