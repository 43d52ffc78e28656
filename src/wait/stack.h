/* Facts about a wait from the functions on a stack, found once for all equal stacks. */
#ifndef THREADLEAK_WAIT_STACK_H
#define THREADLEAK_WAIT_STACK_H

#include "snapshot/snapshot.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"
#include "wait/module.h"
#include "wait/view.h"

struct stack_reader {
    const struct snapshot *snapshot;
    const struct modules *modules;
    struct symbolizer *symbolizer;
};

void stack_facts_set(struct stack_facts *facts, const struct stack_reader *reader, const struct stack *stack);

#endif
