/*
 * Parks threads at a judged end. Without the shim the process would end at once. While the shim waits and
 * reports, a running thread can use destroyed globals and crash, or end the process. Such a thread sleeps
 * until the process ends.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_PARK_H
#define THREADLEAK_PRELOAD_EXIT_PARK_H

#include "preload/shim/state.h"

/* From now on no other thread and no signal ends the process: dispositions.h. */
void park_begin(struct shim_state *state);

/* The mask of the thread that ends the process: it gets only faults, and the signals that cut the end
 * short. */
uint64_t park_mask(void);

/* Does not return while another thread is at a judged end, which ends the process. */
void park_latecomer(void);

#endif
