/* Variables of creators whose addresses are arguments of threads. Private to stacks/. */
#ifndef THREADLEAK_STACKS_PASSED_H
#define THREADLEAK_STACKS_PASSED_H

#include "snapshot/snapshot.h"
#include "stacks/stacks.h"
#include "unwind/unwind.h"

/* Fills stacks->passed. ledger: NULL: the process is not watched. False: out of memory. */
bool passed_fill(struct stacks *stacks, const struct snapshot *snapshot, struct unwinder *unwinder,
                 const struct stacks_options *options);

#endif
