/* Saves the current stacks of a process that is about to end, as "stacks.PID.N" beside its "ledger.PID.N" in
 * the directory of its run. */
#ifndef THREADLEAK_CLI_COMMON_SAVE_STACKS_H
#define THREADLEAK_CLI_COMMON_SAVE_STACKS_H

#include <stdbool.h>
#include <sys/types.h>

/* directory: where its ledger must be; NULL: anywhere. False: not saved. */
bool save_stacks(pid_t pid, const char *directory);

#endif
