/*
 * Waits for processes of COMMAND's tree that are about to change: that begin, that end,
 * or that are about to report in.  Every wait has a bound; a process that needs longer
 * is reported as it is then.
 */
#ifndef THREADLEAK_CLI_RUN_WAIT_UNTIL_H
#define THREADLEAK_CLI_RUN_WAIT_UNTIL_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/run/ledgers.h"

/* What is left of the time for all processes together. */
struct run_patience {
    unsigned alive_ms;  /* for those that may be about to end */
    unsigned ending_ms; /* for those that are known to end: they wait for their threads (--grace), and have
                           their stacks saved */
};
#define RUN_PATIENCE ((struct run_patience){.alive_ms = 100, .ending_ms = 5000})

/* Waits until each process of the tree that has the shim has a ledger or is gone, 100 ms in all.
 * True: there were processes without one. */
bool run_wait_until_begun(const struct run_ledgers *ledgers, pid_t root, const char *directory);
/* Waits until the process does not use its ledger any more.  True: it has ended. */
bool run_wait_until_ended(const char *ledger_path, pid_t pid, struct run_patience *patience);
/* Waits up to 2 s, until the process has the shim or has left a ledger that is not among `ledgers`.
 * False: it ended without, or the time is over. */
bool run_wait_until_reported(const struct run_ledgers *ledgers, pid_t pid, const char *directory);

#endif
