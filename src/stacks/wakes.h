/* Reads who notified what a thread waits for, from the memory of a process with wakes=1 (common/wakes.h). */
#ifndef THREADLEAK_STACKS_WAKES_H
#define THREADLEAK_STACKS_WAKES_H

#include "common/wakes.h"
#include "stacks/stacks.h"

struct wakes_reader {
    const struct snapshot *snapshot;
    struct unwinder *unwinder;
    const struct ledger *ledger; /* NULL: not watched */
    const struct thread_index *threads;
    struct latest_wake { /* that was read: often many threads wait for one object */
        uint64_t address;
        enum notified_state state;
        struct wake record;
        const struct stack *stack;
    } latest;
};

bool wakes_are_recorded(const struct ledger *ledger);

/*
 * Sets *notified, without its stack, for the wait of a thread, by index of snapshot.threads. *stack: of the
 * notifier, from the unwinder; NULL: none. False: out of memory.
 */
bool wakes_find(struct wakes_reader *reader, size_t index, const struct wait *wait, struct notified *notified,
                const struct stack **stack);

#endif
