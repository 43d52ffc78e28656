/* Creation sites: the distinct backtraces, and their records in the ledger. */
#ifndef THREADLEAK_PRELOAD_LEDGER_SITE_H
#define THREADLEAK_PRELOAD_LEDGER_SITE_H

#include "preload/shim/state.h"

/* A creation backtrace. */
struct capture {
    uint32_t count; /* at least 1 */
    uint32_t flags; /* SITE_* of ledger.h */
    void *frames[]; /* return addresses; [0] is `caller` */
};

/* The index of the site of this backtrace; 0 when there is no room for a new one.
 * Known backtraces take one look-up; a new one is settled here. */
uint32_t site_of(struct shim_state *state, const struct capture *capture, uint64_t start);

/* A library was unloaded: addresses seen so far may come to mean other code. */
void site_forget_addresses(struct shim_state *state);

#endif
