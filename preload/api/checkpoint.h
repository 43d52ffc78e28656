/* struct threadleak_abi.checkpoint: a moment, to which a check can be limited. */
#ifndef THREADLEAK_PRELOAD_API_CHECKPOINT_H
#define THREADLEAK_PRELOAD_API_CHECKPOINT_H

#include "preload/shim/state.h"

uint64_t api_checkpoint(void);

/* Threads up to this serial are older than a checkpoint.  UINT64_MAX: the checkpoint is
 * of another process, or none. */
uint64_t api_serial_of(const struct shim_state *state, uint64_t checkpoint);

#endif
