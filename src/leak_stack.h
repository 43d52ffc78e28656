/* The stack of a leak group: from the ledger's addresses to frames. */
#ifndef THREADLEAK_LEAK_STACK_H
#define THREADLEAK_LEAK_STACK_H

#include "leak.h"

/* The first frame at an address; NULL: not known. */
const struct frame *stack_frame(const struct ledger *ledger, struct symbolizer *symbolizer, ledger_pc pc,
                                bool is_return_address);

/* Fills in stack, stack_count and own of the group.  False: out of memory. */
bool stack_build(const struct ledger *ledger, struct symbolizer *symbolizer, const ledger_pc *frames,
                 uint32_t count, struct leak_group *group);

/* From kind and stack: functions and modules, no lines and no addresses, so
 * that it stays the same over runs and rebuilds. */
void stack_fingerprint(struct leak_group *group);

#endif
