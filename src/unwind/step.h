/* From one frame of a thread to its caller's. */
#ifndef THREADLEAK_UNWIND_STEP_H
#define THREADLEAK_UNWIND_STEP_H

#include "unwind/cursor.h"

/* left_is_return_address: the corrected cursor->is_return_address of the frame that was left.
 * Only the frame's rules show that it is a signal handler's return code, which nothing called. */
enum step cursor_step(struct cursor *cursor, bool *left_is_return_address);

#endif
