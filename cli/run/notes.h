/* Prints, after the report of a run, a line on standard error for each thing that the report does not
 * judge. */
#ifndef THREADLEAK_CLI_RUN_NOTES_H
#define THREADLEAK_CLI_RUN_NOTES_H

#include "leak/model.h"
#include "cli/run/options.h"

/*
 * Prints the programs that were not watched and the processes that outlive COMMAND. Also prints the processes
 * whose end --judge does not name, if they had threads alive or unjoined. Omits facts that the report has;
 * with -q, omits everything but creations that were not recorded. With --require-watched, unwatched programs
 * are an error and are always printed, as is COMMAND if it had no room for its ledger. `command` is COMMAND's
 * pid.
 */
void run_notes_print(const struct report *report, const struct run_options *given, pid_t command);

#endif
