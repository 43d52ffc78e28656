/* At the end of a process: records name, state and CPU time of each thread, and the
 * untracked threads.  Later nobody can read them. */
#ifndef THREADLEAK_PRELOAD_EXIT_FINAL_SAMPLE_H
#define THREADLEAK_PRELOAD_EXIT_FINAL_SAMPLE_H

#include "preload/shim/state.h"

void final_sample(struct shim_state *state);

#endif
