/* Names of functions from debug information. */
#ifndef THREADLEAK_SYMBOLIZE_DWARF_NAME_H
#define THREADLEAK_SYMBOLIZE_DWARF_NAME_H

#include <elfutils/libdw.h>

#include "symbolize/name.h"
#include "symbolize/unit.h"

/* Cache of names. Initialise it with zeros. */
struct dwarf_names {
    void *tree;
};

/*
 * The linkage name, demangled; else the symbol (may be NULL) if that is a mangled name; else the plain name
 * with its types and namespaces.
 */
const char *dwarf_function_name(struct dwarf_names *names, struct units *units, strings *kept, Dwarf_Die *die,
                                const char *symbol);
void dwarf_names_release(struct dwarf_names *names);

#endif
