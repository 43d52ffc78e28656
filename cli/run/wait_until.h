/*
 * Waits for processes of COMMAND's tree that are about to begin, to end, or to create a ledger. Every wait
 * has a time limit. A process that needs longer is reported in its state at that time.
 */
#ifndef THREADLEAK_CLI_RUN_WAIT_UNTIL_H
#define THREADLEAK_CLI_RUN_WAIT_UNTIL_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/run/ledgers.h"

/* The rest of the time for all processes together. */
struct run_patience {
    unsigned alive_ms;  /* for those that may be about to end */
    unsigned ending_ms; /* for those that are ending: they wait for their threads (--grace), and save their
                           stacks */
};
#define RUN_PATIENCE ((struct run_patience){.alive_ms = 100, .ending_ms = 5000})

/* Waits until each process of the tree with the shim has a ledger or has ended, at most 100 ms in all. Adds
 * the others to ledgers->idle. True: there were processes without a ledger. */
bool run_wait_until_begun(struct run_ledgers *ledgers, pid_t root, const char *directory);
/* Waits until the process no longer uses its ledger. True: it has ended. */
bool run_wait_until_ended(const char *ledger_path, pid_t pid, struct run_patience *patience);
/* Waits up to 2 s until the process has the shim, or has reported in or has a ledger that is not in
 * `ledgers`. False: it ended without these, or the time is over. */
bool run_wait_until_reported(const struct run_ledgers *ledgers, pid_t pid, const char *directory);

#endif
