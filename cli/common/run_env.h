/* The environment that `threadleak run` gives to COMMAND. */
#ifndef THREADLEAK_CLI_COMMON_RUN_ENV_H
#define THREADLEAK_CLI_COMMON_RUN_ENV_H

#include <stdbool.h>

/*
 * A copy of the environment with the shim first in LD_PRELOAD, with the directory of the
 * run, and with `options` appended to THREADLEAK_OPTIONS. One malloc'ed block, which
 * shares the other strings with environ. NULL: out of memory.
 */
char **run_environment(const char *shim, const char *directory, const char *options);

/* The environment without these variables, for a threadleak that run starts. */
char **run_environment_without_us(void);

#endif
