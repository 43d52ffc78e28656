/* From a code address to module + offset, and the ledger's table of modules. */
#ifndef THREADLEAK_MODULE_H
#define THREADLEAK_MODULE_H

#include "shim.h"

/* Settles an address: finds the ELF file it lies in and records that file when
 * it is new.  An address in no file keeps its value, with LEDGER_NO_MODULE. */
ledger_pc module_settle(struct shim_state *state, uint64_t pc);

#endif
