/* Where the handles of tracked threads are stored. Private to stacks/. */
#ifndef THREADLEAK_STACKS_KEPT_H
#define THREADLEAK_STACKS_KEPT_H

#include "snapshot/snapshot.h"
#include "stacks/names.h"
#include "stacks/stacks.h"
#include "unwind/unwind.h"

/* The collector searches for the handles of joinable threads. False: out of memory. */
bool kept_want(struct reach_collector *collector, const struct ledger *ledger);
/* Call it before reach_judge. ending: the thread that ends the process; 0: none. */
void kept_set_end(struct stacks *stacks, const struct snapshot *snapshot, struct unwinder *unwinder,
                  struct reach_collector *collector, pid_t ending);

/* What is needed to name a place. */
struct kept_namer {
    const struct snapshot *snapshot;
    struct unwinder *unwinder;
    struct symbolizer *symbolizer;
    struct waits *waits;
    struct thread_names *names;
};
/* Call it after reach_judge. Fills stacks->handles. False: out of memory. */
bool kept_fill(struct stacks *stacks, const struct kept_namer *namer,
               const struct reach_collector *collector);

#endif
