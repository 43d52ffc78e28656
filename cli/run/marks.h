/*
 * Which programs of a run were not watched: by what the shims noted in its
 * directory before each exec (LEDGER_MARKS_FILE), against the ledgers that came.
 */
#ifndef THREADLEAK_CLI_RUN_MARKS_H
#define THREADLEAK_CLI_RUN_MARKS_H

#include "leak/model.h"
#include "cli/run/ledgers.h"

/*
 * Fills ledgers->unwatched.  Listed is only what is certain: the program did
 * not report in, and why it could not is known.  One that was killed before it
 * began, or that could not load its libraries, is not listed, nor is one that
 * is still being loaded.  strict: those are listed as well, as "unknown", but
 * for the last; it is waited for.
 */
bool run_marks_read(const char *directory, bool strict, struct run_ledgers *ledgers, struct error *error);

#endif
