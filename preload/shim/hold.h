/*
 * A lock for work that is rare and can take long. Every signal is blocked while a thread holds it or waits
 * for it. So no handler waits for a lock of its own thread, and no cancellation leaves it held. The word is
 * in struct shim_state, which is zero in a forked child. A sandbox can kill the program for these system
 * calls. In a sandbox no signal is blocked, and only short work is protected.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_HOLD_H
#define THREADLEAK_PRELOAD_SHIM_HOLD_H

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "preload/shim/state.h"
#include "preload/shim/sys.h"

struct hold {
    _Atomic uint32_t *word;
    uint64_t mask; /* of signals, before hold_begin */
    bool masked;
};

static inline struct hold hold_begin(_Atomic uint32_t *word)
{
    struct hold hold = {.word = word};
    struct timespec rest = {0, 200000};
    uint64_t all = ~0ull;
    if (!shim_config.sandboxed)
        SYS4(rt_sigprocmask, SIG_SETMASK, &all, &hold.mask, sizeof(all));
    hold.masked = !shim_config.sandboxed;
    while (atomic_exchange(word, 1))
        if (hold.masked)
            SYS2(nanosleep, &rest, NULL);
    return hold;
}

static inline void hold_end(const struct hold *hold)
{
    atomic_store(hold->word, 0);
    if (hold->masked)
        SYS4(rt_sigprocmask, SIG_SETMASK, &hold->mask, NULL, sizeof(hold->mask));
}

#endif
