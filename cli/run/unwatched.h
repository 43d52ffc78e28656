/* Which programs of a run were not watched: the exec records that no ledger belongs to. */
#ifndef THREADLEAK_CLI_RUN_UNWATCHED_H
#define THREADLEAK_CLI_RUN_UNWATCHED_H

#include "cli/run/ledgers.h"

/*
 * Fills ledgers->unwatched with the programs that certainly did not report in, where the
 * reason is known.  Programs that were killed before they began, that could not load their
 * libraries, or that are still loading them, are not listed.
 * strict: the first two are listed as well, as "unknown"; for the last it waits.
 * False: out of memory.
 */
bool run_unwatched_find(const char *directory, bool strict, struct run_ledgers *ledgers, struct error *error);

#endif
