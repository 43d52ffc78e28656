/* The mapping of the ledger. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MAP_H
#define THREADLEAK_PRELOAD_LEDGER_MAP_H

#include <stdbool.h>

#include "preload/ledger/section.h"

/* Maps a ledger and records the identity of this process.  A forked child unmaps its
 * parent's ledger first.  False: there is no memory for the smallest one. */
bool ledger_map(struct shim_state *state);

/* Before the program locks all its memory: unmaps what is unused, except a margin. */
void ledger_give_back(struct shim_state *state);

#endif
