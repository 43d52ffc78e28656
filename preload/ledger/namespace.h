/* Other namespaces of the loader: dlmopen(3) and LD_AUDIT. A library there has its own libc, and calls no
 * hook. */
#ifndef THREADLEAK_PRELOAD_LEDGER_NAMESPACE_H
#define THREADLEAK_PRELOAD_LEDGER_NAMESPACE_H

#include "preload/shim/state.h"

/* Records in the ledger that there is one, if it is not recorded yet. Takes no lock of the loader. */
void namespace_note(struct shim_state *state);

#endif
