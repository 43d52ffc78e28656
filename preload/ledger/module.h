/* Code addresses as module + offset, and the table of modules in the ledger. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MODULE_H
#define THREADLEAK_PRELOAD_LEDGER_MODULE_H

#include <link.h>

#include "preload/ledger/module_find.h"
#include "preload/shim/state.h"

/* Finds the ELF file that contains an address, and records it if it is new.  An address
 * in no file keeps its value, with LEDGER_NO_MODULE. */
ledger_pc module_encode(struct shim_state *state, uint64_t pc);

/* The same for the frames of one backtrace. */
void module_encode_all(struct shim_state *state, const uint64_t *pcs, uint32_t count, ledger_pc *encoded);

/* Is a module recorded there that was unloaded? */
bool module_is_marked_at(const struct shim_state *state, uint64_t address);

/* After a dlclose, and before module_unload_done(): marks the modules that it unmapped. at: who called it. */
void module_mark_unloaded(struct shim_state *state, const struct module_unload *unload, ledger_pc at);

/* What dl_iterate_phdr would pass to find call-frame information: absolute addresses, and no name. */
struct module_phdrs {
    struct dl_phdr_info info;
    ElfW(Phdr) headers[2];
};
void module_describe(const struct module_found *found, struct module_phdrs *phdrs);

#endif
