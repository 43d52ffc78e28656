/*
 * Keeps the status of COMMAND when this program fails after COMMAND has ended. Code that reads the ledgers of
 * COMMAND can get SIGSEGV, and a library can call exit() (libdw does without memory). Then run ends with
 * COMMAND's status and a message.
 */
#ifndef THREADLEAK_CLI_RUN_KEEP_STATUS_H
#define THREADLEAK_CLI_RUN_KEEP_STATUS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * From now on such an end has the status `status`, or 125 if that is 0. It removes the files, and sends
 * SIGKILL to `kill_pid`; 0: to nobody. `temporaries` must be valid until the end. A write that fails raises
 * no signal.
 */
void keep_status(int status, pid_t kill_pid, const char *volatile *temporaries, size_t count);

/* The report is complete: from now on exit() has its own status. */
void keep_status_end(void);

#endif
