#include "symbolize/unit.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

enum { DEEPEST = 256 }; /* maximum nesting of scopes */

/*
 * A linker that drops a function keeps its debug information, at address 0. Sets *dropped to the end of the
 * longest one.
 */
static bool add_ranges(struct ranges *ranges, Dwarf_Die *die, size_t value, Dwarf_Addr *dropped)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t at = 0;
    while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
        struct range range = {.low = low, .high = high, .value = value};
        if (low && !ranges_add(ranges, &range))
            return false;
        if (!low && high > *dropped)
            *dropped = high;
    }
    return true;
}

/* ---- all units -------------------------------------------------------------------- */

static bool add_unit(struct units *units, Dwarf_Die *die, const Dwarf_Die *split)
{
    Dwarf_Addr dropped = 0;
    if (!ARRAY_GROW(units->items, units->count))
        return false;
    units->items[units->count] = (struct unit){.die = *die, .code = split->addr ? *split : *die};
    return add_ranges(&units->ranges, die, units->count++, &dropped);
}

void units_read(struct units *units, Dwarf *dwarf)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die die, split;
    uint8_t kind;
    while (memset(&split, 0, sizeof(split)), dwarf_get_units(dwarf, cu, &cu, NULL, &kind, &die, &split) == 0)
        if ((kind == DW_UT_compile || kind == DW_UT_skeleton) && !add_unit(units, &die, &split))
            break;
}

void units_release(struct units *units)
{
    for (size_t i = 0; i < units->count; i++) {
        ranges_release(&units->items[i].functions);
        free(units->items[i].scopes);
    }
    ranges_release(&units->ranges);
    free(units->items);
    *units = (struct units){0};
}

/* ---- walking one ---------------------------------------------------------------------- */

static bool holds_functions(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_namespace ||
           tag == DW_TAG_module || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

/* Functions are in namespaces, in types (Rust) and in other functions (GNU C, lambdas). */
static bool walk_scopes(struct unit *unit, Dwarf_Die *parent, size_t parent_scope, int depth)
{
    Dwarf_Die die;
    if (depth > DEEPEST || dwarf_child(parent, &die) != 0)
        return true;
    do {
        int tag = dwarf_tag(&die);
        if (!holds_functions(tag))
            continue;
        size_t number = unit->scope_count;
        if (!ARRAY_GROW(unit->scopes, number))
            return false;
        unit->scopes[unit->scope_count++] = (struct scope){.die = die, .parent = parent_scope};
        if ((tag == DW_TAG_subprogram && !add_ranges(&unit->functions, &die, number, &unit->dropped)) ||
            !walk_scopes(unit, &die, number, depth + 1))
            return false;
    } while (dwarf_siblingof(&die, &die) == 0);
    return true;
}

static void walk(struct unit *unit)
{
    if (unit->walked)
        return;
    unit->walked = true;
    walk_scopes(unit, &unit->code, NO_SCOPE, 0);
}

/* ---- queries ---------------------------------------------------------------------------- */

struct unit *units_find(struct units *units, Dwarf_Addr address)
{
    const struct range *range = ranges_find(&units->ranges, address);
    struct unit *unit = range ? &units->items[range->value] : NULL;
    if (unit)
        walk(unit);
    return unit;
}

struct unit *units_find_entry(struct units *units, Dwarf_Die *die)
{
    Dwarf_Die cu;
    if (!dwarf_diecu(die, &cu, NULL, NULL))
        return NULL;
    for (size_t i = 0; i < units->count; i++)
        if (units->items[i].code.addr == cu.addr) {
            walk(&units->items[i]);
            return &units->items[i];
        }
    return NULL;
}

const struct scope *unit_function(struct unit *unit, Dwarf_Addr address)
{
    const struct range *range = ranges_find(&unit->functions, address);
    return range ? &unit->scopes[range->value] : NULL;
}

const struct scope *unit_scope(const struct unit *unit, const Dwarf_Die *die)
{
    size_t at = SEARCH_FIRST(i, unit->scope_count, unit->scopes[i].die.addr >= die->addr);
    return at < unit->scope_count && unit->scopes[at].die.addr == die->addr ? &unit->scopes[at] : NULL;
}

Dwarf_Line *unit_line(struct unit *unit, Dwarf_Addr address)
{
    return address < unit->dropped ? NULL : dwarf_getsrc_die(&unit->die, address);
}
