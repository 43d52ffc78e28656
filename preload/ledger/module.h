/* From a code address to module + offset, and the ledger's table of modules. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MODULE_H
#define THREADLEAK_PRELOAD_LEDGER_MODULE_H

#include <link.h>

#include "preload/shim/state.h"

/* Settles an address: finds the ELF file it lies in and records that file when
 * it is new.  An address in no file keeps its value, with LEDGER_NO_MODULE. */
ledger_pc module_encode(struct shim_state *state, uint64_t pc);

/* Describes the file that holds `pc` without a lock: 1, or 0 when none does or
 * it is not known well enough; -1: this libc has no way. */
int module_describe(uint64_t pc, struct dl_phdr_info *info);

/* Is every file of the ledger's table loaded at the place where it was recorded?  False also
 * when the table is full. */
bool module_all_loaded(const struct shim_state *state);

#endif
