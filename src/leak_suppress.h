/* Which of the threads that are left are ignored, and by which rule. */
#ifndef THREADLEAK_LEAK_SUPPRESS_H
#define THREADLEAK_LEAK_SUPPRESS_H

#include "leak_build.h"

/* A creation stack, as the ledger has it. */
struct creation_stack {
    const struct ledger_site *site;
    const ledger_pc *frames;
    uint32_t count;
};
/* Of two of them, for qsort. */
int compare_stacks(const void *left, const void *right);

/* A slot with what is to be said of its thread. */
struct remaining {
    enum leak_kind kind;
    struct ledger_slot slot;
    struct creation_stack stack;
    struct thread_info thread;
    const struct ignore_rule *rule; /* NULL: none */
    bool rule_deeper;               /* none, but one may match what is cut off of its stack */
};

/* Sets the rule of each; their order is lost.  False: out of memory. */
bool suppress(const struct build *build, struct remaining *list, size_t count);

#endif
