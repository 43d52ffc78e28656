/* Makes the ledger's mapping, with who this process is in it. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MAP_H
#define THREADLEAK_PRELOAD_LEDGER_MAP_H

#include <stdbool.h>

#include "preload/ledger/room.h"

/* Maps an empty ledger and fills in who this process is.  False: no room for
 * even the smallest.  Forked: unmaps the parent's first. */
bool ledger_map(struct shim_state *state);

/* Before the program locks all its memory: unmaps what lies unused beyond a margin. */
void ledger_give_back(struct shim_state *state);

#endif
