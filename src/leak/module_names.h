/* One name for one library in a report.  Private to the directory. */
#ifndef THREADLEAK_LEAK_MODULE_NAMES_H
#define THREADLEAK_LEAK_MODULE_NAMES_H

#include <stdbool.h>

#include "ledger/ledger.h"
#include "stacks/stacks.h"

/*
 * The ledger has the names by which the loader knows libraries (/lib/libuv.so.1). Current stacks have those
 * of the files, as the memory map does (/usr/lib/libuv.so.1.0.0). Gives the current stacks and waits the
 * names of the ledger, which rules use. Build-ids identify libraries. The ledger must outlive the stacks'
 * use. False: out of memory.
 */
bool module_names_unify(struct stacks *stacks, const struct ledger *ledger, struct symbolizer *symbolizer);

#endif
