/*
 * Call-frame unwinding over a snapshot's copies, after the process was resumed.
 *
 * It uses the call-frame information of .eh_frame or .debug_frame (DWARF 5, 6.4; the
 * psABI's chapter on .eh_frame).  That comes from the mapped file if it is the same build,
 * else from its image in memory.  Code without it is unwound by the layout of signal
 * frames, then by frame pointers, while each return address comes after a call.  In
 * generated code, and in a function that was interrupted, frame pointers may skip
 * callers: such a stack counts as incomplete.
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
    const char *incomplete; /* why callers are or may be missing; NULL: it is complete */
};

struct unwinder;

/* Unwinds every thread.  Threads whose stack is deeper than its copy are stopped again
 * (snapshot_deepen).  The snapshot must outlive the unwinder.  NULL: out of memory. */
struct unwinder *unwinder_new(struct snapshot *snapshot, struct error *error);
void unwinder_free(struct unwinder *unwinder);

/* By index of snapshot.threads.  Equal stacks are one object, which the unwinder owns.
 * NULL for threads that were not stopped. */
const struct stack *unwind_thread(const struct unwinder *unwinder, size_t index);
/* Adds the vdso's symbols, which no file has.  To be called once for each process. */
void unwinder_name_vdso(const struct unwinder *unwinder, struct symbolizer *symbolizer);
/* Stacks have ids below this. */
size_t unwind_stack_count(const struct unwinder *unwinder);

#endif
