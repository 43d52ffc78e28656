/* What a stack's function names tell of a wait; equal stacks are looked at once. */
#ifndef THREADLEAK_WAIT_STACK_H
#define THREADLEAK_WAIT_STACK_H

#include "snapshot/snapshot.h"
#include "symbolize/symbolize.h"
#include "unwind/unwind.h"
#include "wait/module.h"

enum stack_use {
    USE_UNKNOWN,
    USE_MUTEX,
    USE_COND,
    USE_RELOCK, /* a mutex, on the way out of a condition variable's wait */
    USE_READ_LOCK,
    USE_WRITE_LOCK,
    USE_SEMAPHORE,
    USE_BARRIER,
    USE_JOIN,
    USE_ONCE,
    USE_GUARD, /* of a local static variable in C++ */
};

struct stack_facts {
    bool known; /* it has been looked at */
    enum stack_use use;
    const char *destructor; /* "a thread-specific destructor"; NULL: in none */
};

struct stack_reader {
    const struct snapshot *snapshot;
    const struct modules *modules;
    struct symbolizer *symbolizer;
};

void stack_facts_set(struct stack_facts *facts, const struct stack_reader *reader, const struct stack *stack);

#endif
