/*
 * A judged end takes time that the program did not plan for.  Its globals are gone by
 * now.  Without the shim the process would end at once.  While the shim waits and
 * reports, a running thread can touch what was destroyed, or end the process.  Such a
 * thread is parked, because without the shim it would not have come that far.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_PARK_H
#define THREADLEAK_PRELOAD_EXIT_PARK_H

#include "preload/shim/state.h"

/* From now on no other thread and no signal ends the process.  Returns the signal mask
 * for park_end. */
uint64_t park_begin(struct shim_state *state);
void park_end(uint64_t mask);

/* Does not return while another thread is at a judged end, which ends the process. */
void park_latecomer(void);

#endif
