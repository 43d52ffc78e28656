/*
 * The current frame while a thread's stack is unwound: registers, memory, errors, and the steps to callers.
 *
 * A cursor reads only the snapshot of a stopped process. Nothing here allocates, except the caches of struct
 * code. Strings are constants. Registers have DWARF numbers (snapshot.h).
 */
#ifndef THREADLEAK_UNWIND_CURSOR_H
#define THREADLEAK_UNWIND_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cache.h"

#if defined(__aarch64__)
/* Return addresses may be signed: the signature is in the bits above those of an address. */
#define CODE_ADDRESS_MASK ((UINT64_C(1) << 48) - 1)
#else
#define CODE_ADDRESS_MASK (~UINT64_C(0))
#endif

/* The result of a step from a frame to its caller's. */
enum step {
    STEP_CALLER,  /* the cursor is at the caller */
    STEP_LAST,    /* the frame is the outermost function's */
    STEP_MISSING, /* memory was not copied: cursor.missing is its address */
    STEP_LOST     /* cursor.why has the reason */
};

struct cursor {
    struct code *code;
    const struct snapshot_thread *thread;
    uint64_t regs[SNAPSHOT_REGS]; /* of the frame; the pc is among them */
    uint64_t unknown;             /* bits, by number: registers of a thread that was left running */
    bool is_return_address;       /* the pc is a return address: the call is before it */
    bool is_first;
    bool is_trial;         /* checks a candidate for a frame's base */
    bool by_frame_pointer; /* the frame was found by the frame pointer */
    unsigned descents;     /* number of signal frames, and of the shim, that led to lower addresses */
    uint64_t missing;
    bool is_cut; /* STEP_LOST: for want of memory that was not copied, and cannot be any more */
    const char *why;
    uint64_t stray;    /* lost: by call-frame information the caller is here, but this is no code; else 0 */
    const char *doubt; /* at the outermost function: why frames may be missing, or NULL */
};

/* Begins at the innermost frame. `code` and `thread` must outlive the cursor. */
void cursor_init(struct cursor *cursor, struct code *code, const struct snapshot_thread *thread);

/* Why a stack ends at a frame that needs an unknown register. */
#define CURSOR_UNKNOWN \
    "its callers need registers that are unknown, because it was not stopped in its system call"
/* Is a register of this frame unknown? */
bool cursor_is_unknown(const struct cursor *cursor, int reg);

/* False: it could not be read, and cursor->missing is its address.  The first argument is a
 * cursor (struct expression_context). */
bool cursor_read(void *arg, uint64_t address, void *to, size_t size);
bool cursor_read_word(struct cursor *cursor, uint64_t address, uint64_t *word);
/* Is the address in an executable mapping? */
bool cursor_is_code(struct cursor *cursor, uint64_t pc);

/* Sets cursor->why and returns STEP_LOST. */
enum step cursor_lost(struct cursor *cursor, const char *why);
/* After a read that failed: STEP_MISSING if another stop can help, else STEP_LOST. */
enum step cursor_missing(struct cursor *cursor);

/* Is the caller's stack pointer at or below the frame? */
bool cursor_is_loop(struct cursor *cursor, uint64_t sp, bool is_signal_frame);
/* cursor_lost() for that reason. */
enum step cursor_lost_in_loop(struct cursor *cursor);

/* Steps from a frame to its caller's (step.c). left_is_return_address: the corrected
 * cursor->is_return_address of the previous frame. Only its rules show that it is the return code of a signal
 * handler, which no instruction called. */
enum step cursor_step(struct cursor *cursor, bool *left_is_return_address);

/* The same for a pc without call-frame information: by the frame pointer, or by the instructions around the
 * pc (guess.c). */
enum step cursor_guess(struct cursor *cursor, uint64_t pc);

/* Finds the frame pointer that the rules need, if it is unknown (frame_base.c). False: it stays unknown. */
bool cursor_find_frame_base(struct cursor *cursor, const struct frame_rules *rules);

/* Reads code, which may be in writable memory if it was generated. */
bool cursor_read_code(const struct cursor *cursor, uint64_t address, void *to, size_t size);
/* Is there a call instruction before the address? */
bool cursor_is_after_call(const struct cursor *cursor, uint64_t pc);

/* Is pc in the code that signal handlers return to? */
bool cursor_is_signal_return(struct cursor *cursor, uint64_t pc);

#endif
