/* Finds the rule that suppresses each thread. */
#ifndef THREADLEAK_LEAK_APPLY_RULES_H
#define THREADLEAK_LEAK_APPLY_RULES_H

#include "leak/process_build.h"
#include "leak/sites.h"

/* A thread that is alive or unjoined, so that it may be a leak. */
struct candidate {
    enum leak_kind kind;
    const struct ledger_slot *slot;
    size_t record;               /* of its site */
    struct creation_stack stack; /* of that record */
    stack_key key;               /* of that stack; set once it is known */
    struct thread_info thread;
    const struct suppression_rule *rule; /* NULL: none */
    bool rule_deeper; /* no rule matched, but one may match the missing part of its stack */
};

/* Sets the rule of each thread and sorts them. False: out of memory. */
bool apply_rules(const struct build *build, struct candidate *list, size_t count);

#endif
