/* Code addresses as module + offset, and the table of modules in the ledger. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MODULE_H
#define THREADLEAK_PRELOAD_LEDGER_MODULE_H

#include <link.h>

#include "preload/shim/state.h"

/* Finds the ELF file that contains an address, and records it if it is new.  An address
 * in no file keeps its value, with LEDGER_NO_MODULE. */
ledger_pc module_encode(struct shim_state *state, uint64_t pc);

/* Describes the file that contains `pc`, without a lock. 1: done, 0: no file, or its headers are not mapped,
 * -1: this libc has no such function. */
int module_describe(uint64_t pc, struct dl_phdr_info *info);

#endif
