/*
 * abort(), a failed assertion, and std::terminate, which calls abort(): the stacks of all threads are
 * reported, or saved under `threadleak run`. Then libc ends the process, or a handler of the program
 * continues.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_ABORT_H
#define THREADLEAK_PRELOAD_EXIT_ABORT_H

#include "preload/shim/state.h"

/* Once per process, and only if a thread is alive or unjoined. caller: the return address of the hook. */
void abort_report(enum ledger_abort_call call, void *caller);

#endif
