/* Reads the ledgers in the directory of a run. */
#ifndef THREADLEAK_CLI_RUN_COLLECT_H
#define THREADLEAK_CLI_RUN_COLLECT_H

#include "cli/run/ledgers.h"

/*
 * Reads every ledger of the directory. `child` ended with `wait_status` and is not reaped yet; 0: the run
 * timed out, and this does not wait. Any other process is alive if it still maps its ledger. Prints a message
 * for a ledger that cannot be read, and omits it. strict: as run_unwatched_find.
 */
bool run_dir_collect(const char *path, pid_t child, int wait_status, bool strict, struct run_ledgers *ledgers,
                     struct error *error);

#endif
