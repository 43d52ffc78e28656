/* What only the living process can tell of its threads, written into the ledger
 * at its end: name, state and CPU time of each, and tasks nobody tracked. */
#ifndef THREADLEAK_PRELOAD_EXIT_LAST_LOOK_H
#define THREADLEAK_PRELOAD_EXIT_LAST_LOOK_H

#include "preload/shim/shim.h"

void last_look(struct shim_state *state);

#endif
