/*
 * Under `threadleak run`. A program reports in, so that run knows that it is watched: by an empty file, whose
 * name LEDGER_BEGAN_PREFIX (run_protocol.h) explains. It needs one system call, no descriptor and no room.
 * And run does what a process cannot do after it changed its user or root (ledger_run_request).
 */
#ifndef THREADLEAK_PRELOAD_SHIM_RUN_ASK_H
#define THREADLEAK_PRELOAD_SHIM_RUN_ASK_H

#include <stdbool.h>
#include <stdint.h>

/* Call it once, at the start of a program. False: it could not reach the directory of the run. */
bool run_report_in(void);

/* This program cannot have a ledger that the run sees. Without the file the run does not conclude that it
 * created no thread. */
void run_withdraw(void);

/*
 * what: LEDGER_RUN_*. fd: for the file that comes with the answer, close-on-exec; NULL: the answer has none.
 * False: no answer, or run could not do it. Waits up to 10 s. It makes only system calls, so a vfork child
 * may call it in the memory of its parent.
 */
bool run_ask(uint32_t what, int *fd);

#endif
