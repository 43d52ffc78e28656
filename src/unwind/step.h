/* From one frame of a thread to its caller's. */
#ifndef THREADLEAK_UNWIND_STEP_H
#define THREADLEAK_UNWIND_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cache.h"

enum step {
    STEP_CALLER,  /* the cursor is at the caller */
    STEP_LAST,    /* it was at the outermost function */
    STEP_MISSING, /* memory was not copied: cursor.missing */
    STEP_LOST     /* cursor.why */
};

struct cursor {
    struct code *code;
    const struct snapshot_thread *thread;
    uint64_t regs[SNAPSHOT_REGS]; /* of the frame; the pc is among them */
    bool is_return_address;       /* the pc: inside the call before it, then */
    bool is_first;
    bool by_frame_pointer; /* it was found that way */
    unsigned descents;     /* signal frames that led to lower addresses */
    uint64_t missing;
    const char *why;
    const char *doubt; /* at the outermost function: why some in between may be missing, or NULL */
};

void cursor_init(struct cursor *cursor, struct code *code, const struct snapshot_thread *thread);
/* Corrects is_return_address for the frame it leaves, whose kind only its rules tell:
 * nothing has called the code that a signal handler returns to. */
enum step cursor_step(struct cursor *cursor, bool *left_is_return_address);

#endif
