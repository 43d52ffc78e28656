/* Functions' names from debug information. */
#ifndef THREADLEAK_SYMBOLIZE_DWARF_NAME_H
#define THREADLEAK_SYMBOLIZE_DWARF_NAME_H

#include <elfutils/libdw.h>

#include "symbolize/name.h"
#include "symbolize/unit.h"

/* Names that were made before; begins zeroed. */
struct dwarf_names {
    void *tree;
};

/*
 * The linkage name, demangled; else the symbol (may be NULL) where that is a
 * mangled name; else the plain name, with the types and namespaces around it.
 */
const char *dwarf_function_name(struct dwarf_names *names, struct units *units, strings *kept, Dwarf_Die *die,
                                const char *symbol);
void dwarf_names_release(struct dwarf_names *names);

#endif
