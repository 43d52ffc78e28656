/* Other namespaces of the loader: dlmopen(3) and LD_AUDIT. A library there has its own libc, and calls no
 * hook. */
#ifndef THREADLEAK_PRELOAD_LEDGER_NAMESPACE_H
#define THREADLEAK_PRELOAD_LEDGER_NAMESPACE_H

#include <stdbool.h>

#include "preload/shim/state.h"

/* Is there one?  False also if there was one before glibc 2.35, which does not say so. */
bool namespace_exists(void);

/* Records in the ledger that there is one, if it is not recorded yet. Takes no lock of the loader. */
void namespace_note(struct shim_state *state);

#endif
