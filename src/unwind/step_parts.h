/* What both ways to the caller's frame need: by call-frame information (unwind_step.c), and
 * without it (unwind_guess.c). */
#ifndef THREADLEAK_UNWIND_STEP_PARTS_H
#define THREADLEAK_UNWIND_STEP_PARTS_H

#include "unwind/step.h"

#if defined(__aarch64__)
/* Return addresses may be signed: the bits above those of an address hold it. */
#define CODE_ADDRESS_MASK ((UINT64_C(1) << 48) - 1)
#else
#define CODE_ADDRESS_MASK (~UINT64_C(0))
#endif

/* False: it is not there, and cursor->missing says where it would be.  The first argument
 * is a cursor (struct expression_context). */
bool cursor_read(void *arg, uint64_t address, void *to, size_t size);
bool cursor_read_word(struct cursor *cursor, uint64_t address, uint64_t *word);
bool cursor_is_code(struct cursor *cursor, uint64_t pc);

enum step cursor_lost(struct cursor *cursor, const char *why);
/* After a read that failed. */
enum step cursor_missing(struct cursor *cursor);

/* Would a caller with this stack pointer be no way up? */
bool cursor_goes_in_circles(struct cursor *cursor, uint64_t sp, bool is_signal_frame);
enum step cursor_in_circles(struct cursor *cursor);

#endif
