/* Reads what the processes of a run left in its directory. */
#ifndef THREADLEAK_CLI_RUN_COLLECT_H
#define THREADLEAK_CLI_RUN_COLLECT_H

#include "cli/run/ledgers.h"

/*
 * Reads every ledger of the directory.  `child` ended with `wait_status` and is not
 * reaped yet; 0: the run timed out, nothing is waited for.  Any other process is alive
 * if it still has its ledger mapped.  A ledger that cannot be read is reported on
 * standard error and left out.  strict: as run_unwatched_find.
 */
bool run_dir_collect(const char *path, pid_t child, int wait_status, bool strict, struct run_ledgers *ledgers,
                     struct error *error);

#endif
