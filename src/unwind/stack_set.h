/* A hash table of stacks by their frames: one object for all equal ones. */
#ifndef THREADLEAK_UNWIND_STACK_SET_H
#define THREADLEAK_UNWIND_STACK_SET_H

#include "unwind/trace.h"
#include "unwind/unwind.h"

struct stack_set {
    struct stack **places; /* NULL: free */
    size_t count, room;
};

/* The place of the stack with these frames.  It is NULL when the set has none yet: the caller
 * puts a malloc'ed one there and adds 1 to the count.  NULL: out of memory. */
struct stack **stack_set_place(struct stack_set *set, const struct trace *trace);
/* Frees the stacks, too. */
void stack_set_release(struct stack_set *set);

#endif
