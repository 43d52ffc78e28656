/* After the report of a run: one line on standard error for each thing that it does not judge. */
#ifndef THREADLEAK_CLI_RUN_NOTES_H
#define THREADLEAK_CLI_RUN_NOTES_H

#include "leak/model.h"
#include "cli/run/options.h"

/*
 * Prints the programs that were not watched, the processes that outlive COMMAND, and the
 * processes that ended with live threads in a way that --judge does not name.  Leaves out
 * what the report has, and with -q everything.  Unwatched programs are always printed with
 * --require-watched, where they are an error.  `command` is COMMAND's pid.
 */
void run_notes_print(const struct report *report, const struct run_options *given, pid_t command);

#endif
