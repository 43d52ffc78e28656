/* The private directory of one run, where the shims create their ledgers. */
#ifndef THREADLEAK_CLI_COMMON_RUN_DIR_H
#define THREADLEAK_CLI_COMMON_RUN_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define RUN_DIR_MAX 240 /* with its NUL; the shim stores at most 255 bytes */

/* Makes the directory, only for this user: in $TMPDIR, else in /dev/shm if that is in memory, else in
 * /tmp. */
bool run_dir_make(char path[RUN_DIR_MAX], struct error *error);

/* For save_stacks: nobody wants to know which threads nothing can wake. */
void run_dir_skip_reach(const char *path);

/* Removes the directory and its contents. */
void run_dir_remove(const char *path);

/* Saves the current stacks of a process that is about to end, as "stacks.PID.N" beside its "ledger.PID.N".
 * park: whether its threads go on (stacks.h). directory: where its ledger must be; NULL: anywhere. False: not
 * saved. */
struct stacks_park; /* stacks/stacks.h */
bool save_stacks(pid_t pid, const char *directory, const struct stacks_park *park);

#endif
