/* A hash table of stacks by their frames: one object for all equal ones. */
#ifndef THREADLEAK_UNWIND_STACK_SET_H
#define THREADLEAK_UNWIND_STACK_SET_H

#include "unwind/trace.h"
#include "unwind/unwind.h"

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
