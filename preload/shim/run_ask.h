/* Asks `threadleak run` to do what a process cannot do after it changed its user or root
 * (ledger.h, "ledger_run_request"). */
#ifndef THREADLEAK_PRELOAD_SHIM_RUN_ASK_H
#define THREADLEAK_PRELOAD_SHIM_RUN_ASK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * what: LEDGER_RUN_*. fd: for the file that comes with the answer, close-on-exec; NULL: the answer has none.
 * False: no answer, or run could not do it. Waits up to 10 s. It makes only system calls, so a vfork child
 * may call it in the memory of its parent.
 */
bool run_ask(uint32_t what, int *fd);

#endif
