/* Records name, state and CPU time of each thread, and the untracked threads. Call it before the process
 * ends: nobody can read them later. */
#ifndef THREADLEAK_PRELOAD_EXIT_FINAL_SAMPLE_H
#define THREADLEAK_PRELOAD_EXIT_FINAL_SAMPLE_H

#include "preload/shim/state.h"

void final_sample(struct shim_state *state);

#endif
