/*
 * From a frame to its caller's where no call-frame information tells it: by the frame pointer,
 * or by the instructions around the pc.
 */
#ifndef THREADLEAK_UNWIND_GUESS_H
#define THREADLEAK_UNWIND_GUESS_H

#include "unwind/step.h"

/* As cursor_step, for a pc without rules. */
enum step cursor_guess(struct cursor *cursor, uint64_t pc);

/* Is at pc what a signal's handler returns to? */
bool cursor_is_signal_return(struct cursor *cursor, uint64_t pc);

#endif
