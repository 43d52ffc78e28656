/* The PIDs after the options of `threadleak watch`, `top` and `attach`. */
#ifndef THREADLEAK_CLI_COMMON_PIDS_H
#define THREADLEAK_CLI_COMMON_PIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "cli/common/command.h"

/*
 * Reads the arguments from optind on, at most `most`. None at all is no error. False with an error: one is
 * not a PID, there are too many, or one is a `threadleak run`, whose command is meant.
 */
bool pids_read(const struct command *command, int argc, char **argv, pid_t *pids, size_t most, size_t *count,
               struct error *error);

#endif
