/* The current stacks of a process that is about to end, put beside its ledger in the
 * directory of its run: "ledger.PID.N" gets a "present.PID.N". */
#ifndef THREADLEAK_CLI_COMMON_SAVE_STACKS_H
#define THREADLEAK_CLI_COMMON_SAVE_STACKS_H

#include <stdbool.h>
#include <sys/types.h>

/* directory: where its ledger must be; NULL: wherever that is. */
bool save_stacks(pid_t pid, const char *directory);

#endif
