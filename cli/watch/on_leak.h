/* --on-leak=CMD: a command that gets the report. */
#ifndef THREADLEAK_CLI_WATCH_ON_LEAK_H
#define THREADLEAK_CLI_WATCH_ON_LEAK_H

#include "base/error.h"
#include "cli/watch/watched.h"

/* Commands that run at one time; a further verdict waits for none of them, and starts none. */
enum { ON_LEAK_MAX = 16 };

/*
 * Runs the words of CMD, without a shell, in the background: nothing waits for it. Its standard input is a
 * file with the verdict and, after an empty line, what `threadleak report PID` prints. Its environment has
 * THREADLEAK_PID, THREADLEAK_VERDICT (the verdict line) and THREADLEAK_FINGERPRINT.
 */
bool on_leak_start(const char *command, const struct watched *watched, size_t site, enum watch_why why,
                   struct error *error);
/* Reaps those that have ended, and prints a message about each that failed. */
void on_leak_reap(void);
/* Waits for those that run still, when watching ends. */
void on_leak_wait(void);

#endif
