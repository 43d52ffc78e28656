/*
 * Compilation units of one module's debug information, each walked once, when
 * the first address in it is asked for.  libdw's own look-ups want
 * .debug_aranges, which clang and rustc do not write, walk a whole unit for each
 * address, and believe what is left of functions that the linker dropped.
 */
#ifndef THREADLEAK_SYMBOLIZE_UNIT_H
#define THREADLEAK_SYMBOLIZE_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <elfutils/libdw.h>

#include "symbolize/ranges.h"

/* A function, block, type or namespace: what functions stand in. */
struct scope {
    Dwarf_Die die;
    size_t parent; /* index of scopes, NO_SCOPE: the unit itself */
};

#define NO_SCOPE SIZE_MAX

struct unit {
    Dwarf_Die die;  /* has the line table */
    Dwarf_Die code; /* has the functions: another one with split debug information */
    bool walked;
    struct ranges functions; /* value: index of scopes */
    Dwarf_Addr dropped;      /* the line table is mixed with that of dropped functions below */
    struct scope *scopes;    /* as they stand in the file */
    size_t scope_count;
};

struct units {
    struct unit *items;
    size_t count;
    struct ranges ranges; /* value: index of items */
};

/* Begins zeroed; takes what there is memory for. */
void units_read(struct units *units, Dwarf *dwarf);
void units_release(struct units *units);

/* The unit with code at an address, or that an entry stands in; walked; or NULL. */
struct unit *units_find(struct units *units, Dwarf_Addr address);
struct unit *units_find_entry(struct units *units, Dwarf_Die *die);

/* The function at an address, or NULL. */
const struct scope *unit_function(struct unit *unit, Dwarf_Addr address);

/* An entry's scope, or NULL. */
const struct scope *unit_scope(const struct unit *unit, const Dwarf_Die *die);

/* The line table's row for an address, or NULL: libdw sorts rows, and cannot tell dropped functions' apart.
 */
Dwarf_Line *unit_line(struct unit *unit, Dwarf_Addr address);

#endif
