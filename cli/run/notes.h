/* After the report of a run: what it does not judge, a line each on standard error. */
#ifndef THREADLEAK_CLI_RUN_NOTES_H
#define THREADLEAK_CLI_RUN_NOTES_H

#include "leak/model.h"
#include "cli/run/options.h"

/*
 * Programs that were not watched; processes that outlived COMMAND; and those
 * that ended with threads left in a way that --judge does not name.  Nothing
 * with -q, nor what the report itself has said; but the first, where they are an
 * error (--require-watched), always.  `command` is COMMAND's pid.
 */
void run_notes_say(const struct report *report, const struct run_options *given, pid_t command);

#endif
