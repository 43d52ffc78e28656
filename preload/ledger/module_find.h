/* Which ELF file contains an address.  No lock, so it works in a signal handler and in a forked child. */
#ifndef THREADLEAK_PRELOAD_LEDGER_MODULE_FIND_H
#define THREADLEAK_PRELOAD_LEDGER_MODULE_FIND_H

#include <stdbool.h>

#include "common/ledger_code.h"
#include "preload/ledger/module_table.h"

/* Call it when the unwinder is loaded, when the loader's lock may be taken. */
void module_find_start(void);

/* False: no file contains it. */
bool module_find(uint64_t pc, struct module_found *found);

/* The same, with the path of the loader: "" for the program; it can be relative. False: also if the path is
 * longer than MODULE_PATH. */
bool module_find_path(uint64_t pc, struct module_found *found, uint64_t *bias, char path[MODULE_PATH]);

/* Is a file still mapped at these addresses? True also if that cannot be known. */
bool module_is_at(uint64_t start, uint64_t end);

/*
 * Around dlclose.  Before it returns, other threads can load a library to the address of the unloaded one. So
 * nothing that was stored by address may be used from begin to end, which module_unloading() returns.
 */
struct module_unload {
    uint64_t bias, inside; /* of the library; inside: an address in it; 0: not known */
    uint64_t caller;       /* return address of dlclose */
    uint64_t serial;       /* of the next thread when it began; 0: there was no ledger, or another one */
    ledger_pc at;          /* the caller, if there is a serial */
    bool reused;           /* a library that was unloaded before had its addresses */
};
struct module_unload module_unload_begin(void *handle);
/* result: of dlclose. True: the library may be unloaded. Call module_unload_done() after what was stored by
 * address is removed. */
bool module_unload_end(const struct module_unload *unload, int result);
void module_unload_done(void);

/* How many threads are in dlclose. */
uint32_t module_unloading(void);

/* In a forked child, where other threads do not return from dlclose. True: they would have. */
bool module_unload_in_child(void);

#endif
