/*
 * From a frame to its caller's without call-frame information: by the frame pointer, or by
 * the instructions around the pc.
 */
#ifndef THREADLEAK_UNWIND_GUESS_H
#define THREADLEAK_UNWIND_GUESS_H

#include "unwind/cursor.h"

/* As cursor_step, for a pc without rules. */
enum step cursor_guess(struct cursor *cursor, uint64_t pc);

/* Is the code at pc what a signal handler returns to? */
bool cursor_is_signal_return(struct cursor *cursor, uint64_t pc);

#endif
