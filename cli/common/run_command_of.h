/* Finds the COMMAND of a `threadleak run`. */
#ifndef THREADLEAK_CLI_COMMON_RUN_OF_H
#define THREADLEAK_CLI_COMMON_RUN_OF_H

#include <sys/types.h>

/* The pid of COMMAND when `pid` is a `threadleak run`, else 0. */
pid_t run_command_of(pid_t pid);

#endif
