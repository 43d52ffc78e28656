/* Finds the file that an address belongs to, by the program headers in memory. */
#ifndef THREADLEAK_WAIT_MODULE_H
#define THREADLEAK_WAIT_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/elf.h"
#include "symbolize/symbolize.h"

struct module {
    uint64_t start, end; /* of its segments, with .bss; run-time addresses */
    uint64_t bias;       /* run-time address minus address in the file */
    const char *path;    /* owned by the snapshot */
    uint8_t build_id[SNAPSHOT_BUILD_ID];
    size_t build_id_len; /* 0: none */
};

struct modules {
    struct module *items; /* ascending */
    size_t count;
};

/* False: out of memory. */
bool modules_read(struct modules *modules, const struct snapshot *snapshot);
void modules_release(struct modules *modules);
/* The module with this run-time address among its segments; NULL: none. */
const struct module *modules_find(const struct modules *modules, uint64_t address);
/* The address in the file, for a symbolizer. It is not marked as a return address. */
struct code_address module_address(const struct module *module, uint64_t address);

#endif
