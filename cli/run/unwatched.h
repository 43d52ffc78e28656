/* Finds the programs of a run that were not watched: exec records without a ledger. */
#ifndef THREADLEAK_CLI_RUN_UNWATCHED_H
#define THREADLEAK_CLI_RUN_UNWATCHED_H

#include "cli/run/ledgers.h"

/*
 * Fills ledgers->unwatched with programs that certainly created no ledger, if the reason is known. Programs
 * that were killed before they began, that could not load their libraries, or that are still loading them,
 * are not listed. strict: lists the first two kinds as well, as "unknown", and waits for the last kind.
 * False: out of memory.
 */
bool run_unwatched_find(const char *directory, bool strict, struct run_ledgers *ledgers, struct error *error);

#endif
