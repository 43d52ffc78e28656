/* Registered text, and its room in the ledger. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_REGISTERED_TEXT_H
#define THREADLEAK_PRELOAD_OPTIONS_REGISTERED_TEXT_H

#include "preload/shim/state.h"

/* Is `part` one of the texts in `all`?  A program can register the same text twice: the
 * loader finds it, and a constructor in the header registers it. */
bool registered_already(const char *all, const char *part, char separator);

/* Takes room in the ledger once, for everything that can still be registered.  at: where. */
bool registered_take_room(struct shim_state *state, uint32_t *at, uint32_t size);

#endif
