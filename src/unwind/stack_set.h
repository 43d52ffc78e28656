/* Stacks: the frames of one thread as its unwinding finds them, and the set of all distinct ones. */
#ifndef THREADLEAK_UNWIND_STACK_SET_H
#define THREADLEAK_UNWIND_STACK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cache.h"
#include "unwind/unwind.h"

/* The frames of one thread, while it is unwound. */
struct trace {
    uint64_t *pcs; /* leaf first */
    uint64_t *sps; /* the stack pointer in each frame */
    bool *are_returns;
    size_t count, capacity;
    const char *incomplete; /* why frames are missing, or NULL */
    bool is_cut;
    uint64_t missing; /* an address that another stop could copy; 0: none */
    uint64_t stray;   /* as in struct stack */
};

/* Finds the frames of a thread, at most *frames_left, and subtracts their number from that. Overwrites the
 * previous trace. */
void trace_thread(struct trace *trace, struct code *code, const struct snapshot_thread *thread,
                  size_t *frames_left);
void trace_release(struct trace *trace);

/* A hash table of stacks by their frames: one object for all equal ones. */

struct stack_set {
    struct stack **places; /* NULL: free */
    size_t count, capacity;
};

/* The entry for a stack with these frames. If the entry is NULL, the caller stores a malloc'ed stack there
 * and adds 1 to the count. NULL: out of memory. */
struct stack **stack_set_place(struct stack_set *set, const struct trace *trace);
/* Also frees the stacks. */
void stack_set_release(struct stack_set *set);

#endif
