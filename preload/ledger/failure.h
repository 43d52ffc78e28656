/* Creations of threads that failed. */
#ifndef THREADLEAK_PRELOAD_LEDGER_FAILURE_H
#define THREADLEAK_PRELOAD_LEDGER_FAILURE_H

#include "preload/ledger/thread.h"

/* The real create failed: gives the slot back, and counts the failure. error: errno; 0: thrd_error. */
void thread_failed(struct shim_state *state, struct ledger_slot *slot, const struct new_thread *thread,
                   int error);

#endif
