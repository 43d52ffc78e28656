/* Registered text, and its space in the ledger. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_REGISTERED_TEXT_H
#define THREADLEAK_PRELOAD_OPTIONS_REGISTERED_TEXT_H

#include "preload/shim/state.h"

/* Is `part` one of the texts in `all`? A program can register the same text twice: by an exported function,
 * and by a constructor in <threadleak.h>. */
bool registered_already(const char *all, const char *part, char separator);

/* Reserves space in the strings of the ledger, once, for all later texts. at: its offset. */
bool registered_take_space(struct shim_state *state, uint32_t *at, uint32_t size);

#endif
