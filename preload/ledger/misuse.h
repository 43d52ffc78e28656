/* Joins and detaches that fail because the thread cannot be joined or detached any more. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MISUSE_H
#define THREADLEAK_PRELOAD_LEDGER_MISUSE_H

#include "preload/ledger/thread_join.h"

/* Call them when the real function has failed, and records nothing that is not certain.
 * error: what it returned; 0: not known. caller: the return address of the hook. */
void misuse_of_join(struct shim_state *state, const struct join *join, int error, void *caller);
void misuse_of_detach(struct shim_state *state, const struct detach *detach, int error, void *caller);

#endif
