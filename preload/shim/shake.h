/*
 * `run --shake=SEED`: random pauses where threads begin, end, are created and joined, and with --wakes also
 * before waits and notifications. A leak that needs a late thread then shows in some of a few runs. Most
 * events have no pause, and few have a long one (PCT scheduling).
 *
 * The pause before the k-th event of a thread depends on the seed, on k, and on the path of its creation (the
 * n-th thread that its creator created, which ...). So it does not depend on timing, and a seed can be used
 * again.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_SHAKE_H
#define THREADLEAK_PRELOAD_SHIM_SHAKE_H

#include "common/ledger_slot.h"
#include "preload/shim/config.h"

void shake_now(void);
void shake_new_path(struct ledger_slot *slot);
void shake_take_path(const struct ledger_slot *slot);

/* Outside of a hook's own work, because it takes time. */
static inline void shake_pause(void)
{
    if (__builtin_expect(shim_config.options.shake != 0, 0))
        shake_now();
}

/* The creator calls the first, the new thread the second. The path is where the final sample comes later. */
static inline void shake_create(struct ledger_slot *slot)
{
    if (__builtin_expect(shim_config.options.shake != 0, 0))
        shake_new_path(slot);
}

static inline void shake_begin(const struct ledger_slot *slot)
{
    if (__builtin_expect(shim_config.options.shake != 0, 0))
        shake_take_path(slot);
}

#endif
