/* Decides which threads would be leaks if the process ended now. */
#ifndef THREADLEAK_PRELOAD_LEDGER_LEAK_H
#define THREADLEAK_PRELOAD_LEDGER_LEAK_H

#include "preload/shim/state.h"

struct leak_scope {
    unsigned kinds;     /* KIND_* */
    uint64_t since;     /* only serials above */
    uint64_t except;    /* without this serial; 0: without none */
    bool no_older_test; /* without threads of a test that began before `since` */
};

/* KIND_* of a slot; 0: it is no leak in this scope. */
unsigned leak_kind(const struct shim_state *state, const struct ledger_slot *slot,
                   const struct leak_scope *scope);

/* Also records what descriptor_check() finds out. */
uint32_t leak_count(const struct shim_state *state, const struct leak_scope *scope);

#endif
