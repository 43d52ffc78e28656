/* struct threadleak_abi.checkpoint: a point in time. A check can ignore the threads that existed then. */
#ifndef THREADLEAK_PRELOAD_API_CHECKPOINT_H
#define THREADLEAK_PRELOAD_API_CHECKPOINT_H

#include "preload/shim/state.h"

uint64_t api_checkpoint(void);

/* The last serial before the checkpoint. UINT64_MAX: this is no checkpoint of this process. */
uint64_t api_serial_of(const struct shim_state *state, uint64_t checkpoint);

#endif
