/* Makes the ledger's mapping, with who this process is in it. */
#ifndef THREADLEAK_LEDGER_MAP_H
#define THREADLEAK_LEDGER_MAP_H

#include <stdbool.h>

#include "ledger_room.h"

/* Maps an empty ledger and fills in who this process is.  False: no room for
 * even the smallest.  Forked: unmaps the parent's first. */
bool ledger_map(struct shim_state *state);

/* Unmaps what a section has no use for, up to its end: bytes from the ledger's beginning, whole pages. */
void ledger_unmap_rest(enum section section, size_t from, size_t to);

#endif
