/* The program and libraries of the stopped process, by run-time addresses. */
#ifndef THREADLEAK_REACH_MODULES_H
#define THREADLEAK_REACH_MODULES_H

#include "reach/collector.h"

/* From its first to its last segment, with .bss. */
struct reach_module {
    uint64_t start, end;
    bool is_shim;
};

struct reach_modules {
    struct reach_module *items; /* ascending */
    size_t count;
};

/* Finds them, and sets the facts of the image that follow: layout of glibc, allocators, imports, caveats.
 * False: out of memory. */
bool reach_modules_read(struct reach_modules *modules, struct reach_collector *collector,
                        const struct snapshot *snapshot);
void reach_modules_release(struct reach_modules *modules);
/* NULL: the address is in none. */
const struct reach_module *reach_modules_at(const struct reach_modules *modules, uint64_t address);

#endif
