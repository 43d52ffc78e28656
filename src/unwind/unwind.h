/*
 * Call-frame unwinding over a snapshot's copies, after the process went on.
 *
 * By the call-frame information of .eh_frame or .debug_frame (DWARF 5, 6.4; the
 * psABI's chapter on .eh_frame), from the file that is mapped when it is the same
 * build, else from its image in memory.  Where there is none: by signal frames'
 * layout, then by frame pointers, if each return address comes after a call; in
 * generated code, and in a function that was interrupted, the stack counts as
 * incomplete then.
 */
#ifndef THREADLEAK_UNWIND_UNWIND_H
#define THREADLEAK_UNWIND_UNWIND_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot.h"
#include "symbolize/symbolize.h"

struct stack {
    uint32_t id;                 /* equal for equal stacks of one unwinder, counted from 0 */
    struct code_address *frames; /* leaf first; ready for symbolize() */
    size_t count;
    const char
        *incomplete; /* why callers are missing or may be, or NULL: it goes to the thread's beginning */
};

struct unwinder;

/* Unwinds every thread; stops those again whose stack was not copied deep enough
 * (snapshot_deepen).  The snapshot must outlive the unwinder.  NULL: out of memory. */
struct unwinder *unwinder_new(struct snapshot *snapshot, struct error *error);
void unwinder_free(struct unwinder *unwinder);

/* By index of snapshot.threads; one object for all equal stacks, the unwinder's.
 * NULL for threads that were not stopped. */
const struct stack *unwind_thread(const struct unwinder *unwinder, size_t index);
/* Lets the symbolizer know the names in the vdso, which is no file.  Once for each process. */
void unwinder_name_vdso(const struct unwinder *unwinder, struct symbolizer *symbolizer);
/* Stacks have ids below this. */
size_t unwind_stack_count(const struct unwinder *unwinder);

#endif
