/*
 * When COMMAND has ended: children of its tree that are just beginning, or just about
 * to end, are given a moment.  What is still there then is said to be alive.
 */
#ifndef THREADLEAK_CLI_RUN_SETTLE_H
#define THREADLEAK_CLI_RUN_SETTLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/run/ledgers.h"

/* In all, for those that are about to begin or to end, and for those that are seen to end: these wait for
 * their threads (--grace), and have their stacks kept. */
#define RUN_SETTLE_MS 100
#define RUN_ENDING_MS 5000

/* Processes that have the shim and no ledger yet; waits until each has one or is gone.
 * True: there were such. */
bool run_settle_begun(const struct run_ledgers *ledgers, pid_t root, const char *directory);
/* A process that may be about to end; true: it has ended. */
bool run_settle_ended(const char *ledger_path, pid_t pid, struct run_ledgers *ledgers);

#endif
