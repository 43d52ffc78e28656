/* Creation sites: the distinct creation backtraces. */
#ifndef THREADLEAK_PRELOAD_LEDGER_SITE_H
#define THREADLEAK_PRELOAD_LEDGER_SITE_H

#include "preload/shim/state.h"

/* A creation backtrace. */
struct capture {
    uint32_t count; /* at least 1 */
    uint32_t flags; /* SITE_* of ledger.h */
    void *frames[]; /* return addresses; [0] is `caller` */
};

/* The index of the site of a backtrace and a start routine; 0: the section is full. Searches by the raw
 * addresses first, then by the encoded ones. */
uint32_t site_of(struct shim_state *state, const struct capture *capture, uint64_t start);

/* A library was unloaded: other code can be loaded at its addresses. */
void site_forget_addresses(struct shim_state *state);

#endif
