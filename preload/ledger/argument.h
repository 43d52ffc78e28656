/* Finds the variable of a loop whose address is the argument of several threads, and which changes before
 * they read it. */
#ifndef THREADLEAK_PRELOAD_LEDGER_ARGUMENT_H
#define THREADLEAK_PRELOAD_LEDGER_ARGUMENT_H

#include "preload/shim/state.h"

/* Call it first in a creation, because the thread before may begin at any time. */
struct passed argument_passed(const struct shim_state *state, uint64_t argument);
/* The record of the new thread; NULL: there is none. */
void argument_slot(struct passed *passed, const struct ledger_slot *slot);
/* Call it last in a creation that has succeeded. */
void argument_created(const struct passed *passed);

#endif
