/* Which of the threads that are left are ignored, and by which rule. */
#ifndef THREADLEAK_LEAK_SUPPRESS_H
#define THREADLEAK_LEAK_SUPPRESS_H

#include "leak/process_build.h"
#include "leak/sites.h"

/* A slot with what is to be said of its thread. */
struct remaining {
    enum leak_kind kind;
    struct ledger_slot slot;
    size_t record;               /* of its site */
    struct creation_stack stack; /* that one's, */
    stack_look look;             /* and how it looks, once that is found out */
    struct thread_info thread;
    const struct suppression_rule *rule; /* NULL: none */
    bool rule_deeper;                    /* none, but one may match what is cut off of its stack */
};

/* Sets the rule of each; their order is lost.  False: out of memory. */
bool suppress(const struct build *build, struct remaining *list, size_t count);

#endif
