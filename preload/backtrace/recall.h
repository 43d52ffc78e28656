/*
 * Backtraces recognised without unwinding.
 *
 * A frame's layout follows from its code address, its stack pointer and its frame
 * pointer.  So when all that led from one frame of a backtrace to the next (the
 * return addresses and the saved frame pointers, at the places where the unwinder
 * found them) still holds the same values, and the first frame stands where it
 * stood, then the backtrace is the same: each frame proves where the next one's
 * words lie.  Comparing a dozen words costs a tenth of unwinding.
 *
 * Where the rule does not hold nothing is remembered: frames around a signal, and
 * frames that were realigned at run time (their layout depends on a copied word).
 * Only where the layout is known: x86_64.  Elsewhere nothing is ever recalled.
 */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_RECALL_H
#define THREADLEAK_PRELOAD_BACKTRACE_RECALL_H

#include <stddef.h>
#include <stdint.h>

#include "preload/backtrace/capture.h"
#include "preload/shim/shim.h"

/* Bytes of zeroed memory, behind recall in shim_state. */
size_t recall_bytes(void);

/* The site of the backtrace that begins with this caller; 0: not known. */
uint32_t recall_site(struct shim_state *state, const struct capture_frame *caller);

/* A backtrace was unwound: it will be recalled once it was seen twice in a row. */
void recall_learn(struct shim_state *state, const struct capture_frame *caller, const struct capture *capture,
                  uint32_t site);

#endif
