/* What only the living process can tell of its threads, written into the ledger
 * at its end: name, state and CPU time of each, and tasks nobody tracked. */
#ifndef THREADLEAK_PRELOAD_EXIT_FINAL_SAMPLE_H
#define THREADLEAK_PRELOAD_EXIT_FINAL_SAMPLE_H

#include "preload/shim/state.h"

void final_sample(struct shim_state *state);

#endif
