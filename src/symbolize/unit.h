/*
 * Compilation units of one module's debug information. Each is scanned once, when its first address is
 * symbolized. libdw's own functions are not enough: they need .debug_aranges, which clang and rustc do not
 * write; they scan a whole unit for each address; and they use debug information of functions that the linker
 * dropped.
 */
#ifndef THREADLEAK_SYMBOLIZE_UNIT_H
#define THREADLEAK_SYMBOLIZE_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <elfutils/libdw.h>

#include "symbolize/ranges.h"

/* A function, block, type or namespace, which can contain functions. */
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
    Dwarf_Addr dropped;      /* below this address the line table also has lines of dropped functions */
    struct scope *scopes;    /* in the order of the file */
    size_t scope_count;
};

struct units {
    struct unit *items;
    size_t count;
    struct ranges ranges; /* value: index of items */
};

/* Initialise it with zeros. It is incomplete when out of memory. */
void units_read(struct units *units, Dwarf *dwarf);
void units_release(struct units *units);

/* The scanned unit that has code at an address, or that contains an entry; or NULL. */
struct unit *units_find(struct units *units, Dwarf_Addr address);
struct unit *units_find_entry(struct units *units, Dwarf_Die *die);

/* The function at an address, or NULL. */
const struct scope *unit_function(struct unit *unit, Dwarf_Addr address);

/* An entry's scope, or NULL. */
const struct scope *unit_scope(const struct unit *unit, const Dwarf_Die *die);

/* The line table's row for an address, or NULL. libdw sorts the rows, so rows of dropped functions mix with
 * others. */
Dwarf_Line *unit_line(struct unit *unit, Dwarf_Addr address);

#endif
