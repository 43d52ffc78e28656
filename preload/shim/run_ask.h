/*
 * Asks `threadleak run` for what a process may not do itself that changed its user
 * or its root (ledger.h, "ledger_run_request").
 */
#ifndef THREADLEAK_PRELOAD_SHIM_RUN_ASK_H
#define THREADLEAK_PRELOAD_SHIM_RUN_ASK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * what: LEDGER_RUN_*.  fd: for the file that comes with the answer, close-on-exec;
 * NULL: none does.  False: nobody answered, or it could not be done.  Waits for 10 s at
 * most.  System calls alone: a vfork child may do this on its parent's memory.
 */
bool run_ask(uint32_t what, int *fd);

#endif
