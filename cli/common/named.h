/* Processes by name, as pgrep(1) finds them. */
#ifndef THREADLEAK_CLI_COMMON_NAMED_H
#define THREADLEAK_CLI_COMMON_NAMED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct named_processes {
    pid_t *pids; /* ascending */
    size_t count;
};

/*
 * Finds the live processes with this name. It is the name of the main thread, which the kernel cuts after 15
 * bytes, or the last part of argv[0] or of the path of the executable. Omits this process and kernel threads.
 */
void named_processes_find(struct named_processes *named, const char *name);
/* "3 processes are named x: 12 (x -a), 13 (x -b) and 1 more; give a PID". Returns false. */
bool named_processes_error(const struct named_processes *named, const char *name, struct error *error);
void named_processes_release(struct named_processes *named);

#endif
