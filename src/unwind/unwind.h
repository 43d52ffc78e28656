/*
 * Call-frame unwinding over a snapshot's copies, after the process was resumed.
 *
 * It uses the call-frame information of .eh_frame or .debug_frame (DWARF 5, 6.4; the psABI's chapter on
 * .eh_frame). The mapped file has it if it is the same build, else the image in memory. Other code is unwound
 * by the layout of signal frames, then by frame pointers, as long as each return address is after a call
 * instruction. In generated code, and in an interrupted function, frame pointers may skip callers. Such a
 * stack counts as incomplete.
 */
#ifndef THREADLEAK_UNWIND_UNWIND_H
#define THREADLEAK_UNWIND_UNWIND_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot/snapshot.h"
#include "symbolize/symbolize.h"

struct stack {
    uint32_t id;                 /* from 0 on; equal stacks of one unwinder have the same */
    struct code_address *frames; /* leaf first; ready for symbolize() */
    size_t count;
    const char *incomplete; /* why callers are or may be missing; NULL: it is complete */
    bool is_cut;            /* the stack is deeper than its copy, and that is of an earlier moment */
    uint64_t stray; /* the return address after the last frame, where no code is now; 0: none is known */
};

struct unwinder;

/* Unwinds every thread.  Threads whose stack is deeper than its copy are stopped again
 * (snapshot_deepen).  The snapshot must outlive the unwinder.  NULL: out of memory. */
struct unwinder *unwinder_new(struct snapshot *snapshot, struct error *error);
void unwinder_free(struct unwinder *unwinder);

/* The stack of a thread, by index of snapshot.threads. Equal stacks are one object, which the unwinder owns.
 * NULL: the thread was not stopped. */
const struct stack *unwind_thread(const struct unwinder *unwinder, size_t index);
/*
 * Unwinds a thread as it was at an earlier moment: the registers and the stack of `thread`, which is not of
 * the snapshot, with only_copies. Such a stack is rarely complete. NULL: out of memory.
 */
const struct stack *unwind_earlier(struct unwinder *unwinder, const struct snapshot_thread *thread);
/* The stack pointers in the frames of that stack, which differ between threads with equal stacks. Valid until
 * the next call. NULL: none. */
const uint64_t *unwind_stack_pointers(struct unwinder *unwinder, size_t index);
/* The frame with this address on the stack, by these stack pointers; stack->count: none. Below the first one
 * is what a function may use without moving its stack pointer. A thread that has switched stacks is on
 * several. */
size_t unwind_frame_at(const struct stack *stack, const uint64_t *stack_pointers, uint64_t address);
/* Adds the vdso's symbols, which no file has. Call it once for each process. */
void unwinder_name_vdso(const struct unwinder *unwinder, struct symbolizer *symbolizer);
/* All ids of stacks are below this. */
size_t unwind_stack_count(const struct unwinder *unwinder);

#endif
