/*
 * wakes=1: remembers the last notifier of each condition variable and semaphore (common/wakes.h).
 *
 * The functions take no lock, use neither the ledger nor struct shim_state, and are async-signal-safe. A fork
 * at any instruction is harmless: the child has an empty table, and what it still writes there is dropped.
 * They never touch the object, which can be shared with other processes, or be gone.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_WAKES_H
#define THREADLEAK_PRELOAD_LEDGER_WAKES_H

#include <stdbool.h>

#include "common/wakes.h"
#include "preload/shim/state.h"

extern struct wake *wakes; /* NULL: off */

/* Call it once per program. Without memory, wakes stay off. */
void wakes_start(void);
/* Stores where they are, for a reader. In a forked child what was recorded before its ledger is dropped: the
 * parent's serials mean other threads. */
void wakes_to_ledger(struct ledger_header *header);

void wake_notified(const void *object);
void wake_waits(const void *object);
/* The object begins or ends: earlier notifications were of another one. */
void wake_forget(const void *object);

static inline bool wakes_are_on(void)
{
    return __builtin_expect(wakes != NULL, 0);
}

#endif
