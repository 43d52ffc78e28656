/* `run --per-process`: a separate report for each process that created a thread. */
#ifndef THREADLEAK_CLI_RUN_PER_PROCESS_H
#define THREADLEAK_CLI_RUN_PER_PROCESS_H

#include <stdbool.h>

#include "cli/common/outputs.h"

/* Checks that every FILE has a %p in it, that at least one has a FILE, and that the directories are writable.
 * Standard output and standard error get one report of all processes. False with an error. */
bool per_process_check(const struct wanted_outputs *wanted, struct error *error);
bool per_process_is_split(const struct wanted_output *wanted);

/*
 * Writes the files. Processes with the same %p and %h share a file, for example before and after an exec.
 * False: at least one could not be written; a message was printed. `outputs` must be empty; it is used for
 * one file after the other.
 */
bool per_process_write(struct outputs *outputs, const struct wanted_outputs *wanted,
                       const struct report *report, const struct outputs_style *style);

#endif
