/*
 * Keeps the status of COMMAND when this program fails after COMMAND has ended.  A signal such as SIGSEGV in
 * code that reads what COMMAND left, and an exit() in a library (libdw calls it without memory), then end run
 * with that status and a message.
 */
#ifndef THREADLEAK_CLI_RUN_KEEP_STATUS_H
#define THREADLEAK_CLI_RUN_KEEP_STATUS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * From now on such an end has `status`, or 125 if that is 0. It removes the files, and sends SIGKILL to
 * `kill_pid`; 0: to nobody. `temporaries` must be valid until the end. A write that fails raises no signal.
 */
void keep_status(int status, pid_t kill_pid, const char *volatile *temporaries, size_t count);

/* The report is complete: from now on exit() has its own status. */
void keep_status_end(void);

#endif
