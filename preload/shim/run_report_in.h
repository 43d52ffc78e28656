/*
 * Under `threadleak run`: this program reports in, so that run knows that it is watched. That is an empty
 * file, whose name LEDGER_BEGAN_PREFIX (run_protocol.h) explains. It needs one system call, no descriptor and
 * no room.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_RUN_REPORT_IN_H
#define THREADLEAK_PRELOAD_SHIM_RUN_REPORT_IN_H

#include <stdbool.h>

/* Call it once, at the start of a program. False: it could not reach the directory of the run. */
bool run_report_in(void);

/* This program cannot have a ledger that the run sees. Without the file the run does not conclude that it
 * created no thread. */
void run_withdraw(void);

#endif
