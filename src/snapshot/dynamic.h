/* Symbols of a loaded module, from its dynamic section in memory (the System V ABI; DT_GNU_HASH). */
#ifndef THREADLEAK_SNAPSHOT_DYNAMIC_H
#define THREADLEAK_SNAPSHOT_DYNAMIC_H

#include "snapshot/elf.h"
#include "snapshot/snapshot.h"

struct snapshot_dynamic {
    const struct snapshot *snapshot;
    uint64_t bias, symbols, strings, string_size, hash;
};

/* False: the module has no symbols that could be read. */
bool snapshot_dynamic_read(struct snapshot_dynamic *dynamic, const struct snapshot *snapshot,
                           const struct snapshot_elf *elf);
/* The address of a symbol that the module defines; 0: none. */
uint64_t snapshot_dynamic_find(const struct snapshot_dynamic *dynamic, const char *name);
/* Does it use a symbol of another module? True also if that cannot be read. */
bool snapshot_dynamic_imports(const struct snapshot_dynamic *dynamic, const char *name);

#endif
