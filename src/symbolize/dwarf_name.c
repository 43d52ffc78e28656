#include "symbolize/dwarf_name.h"

#include <dwarf.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name that was made from a string or an entry at an address of the mapped file. */
struct made_name {
    const void *from;
    const char *name;
};

static int compare_made(const void *a, const void *b)
{
    const struct made_name *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

void dwarf_names_release(struct dwarf_names *names)
{
    tdestroy(names->tree, free);
    names->tree = NULL;
}

static const struct made_name *find_made(struct dwarf_names *names, const void *from)
{
    struct made_name key = {.from = from};
    struct made_name **found = tfind(&key, &names->tree, compare_made);
    return found ? *found : NULL;
}

static const char *remember(struct dwarf_names *names, const void *from, const char *name)
{
    struct made_name *made = malloc(sizeof(*made));
    if (!made)
        return name;
    *made = (struct made_name){.from = from, .name = name};
    if (!tsearch(made, &names->tree, compare_made))
        free(made);
    return name;
}

static const char *own_string(Dwarf_Die *die, unsigned int name)
{
    Dwarf_Attribute attribute;
    return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

/* The entry of the function's declaration (DW_AT_specification, DW_AT_abstract_origin). */
static Dwarf_Die declaration(const Dwarf_Die *die)
{
    static const unsigned int links[] = {DW_AT_abstract_origin, DW_AT_specification};
    Dwarf_Die at = *die;
    for (size_t i = 0; i < 2; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        if (dwarf_formref_die(dwarf_attr(&at, links[i], &attribute), &next))
            at = next;
    }
    return at;
}

static const char *linkage_name(Dwarf_Die *die)
{
    const char *name = own_string(die, DW_AT_linkage_name);
    return name ? name : own_string(die, DW_AT_MIPS_linkage_name);
}

/* The prefix that a scope adds to names, or NULL. */
static const char *scope_name(Dwarf_Die *scope, bool is_closure)
{
    const char *name = dwarf_diename(scope);
    switch (dwarf_tag(scope)) {
    case DW_TAG_namespace:
        return name ? name : "(anonymous namespace)";
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
        return name ? name : is_closure ? "{lambda}" : "{unnamed}";
    default:
        return NULL;
    }
}

/* Prepends "outer::" to *name, which is malloc'ed. */
static bool prepend(char **name, const char *outer)
{
    char *longer;
    if (!outer)
        return true;
    if (asprintf(&longer, "%s::%s", outer, *name) < 0)
        return false;
    free(*name);
    *name = longer;
    return true;
}

/* The name with its types and namespaces. A type in a function gets the full name of the function. */
static char *qualified(struct units *units, strings *kept, const char *name, Dwarf_Die *die)
{
    struct unit *unit = units_find_entry(units, die);
    const struct scope *scope = unit ? unit_scope(unit, die) : NULL;
    char *result = strdup(name);
    bool of_type = false;
    size_t parent = scope ? scope->parent : NO_SCOPE;
    while (result && parent != NO_SCOPE) {
        Dwarf_Die at = unit->scopes[parent].die;
        parent = unit->scopes[parent].parent;
        if (of_type && dwarf_tag(&at) == DW_TAG_subprogram) {
            const char *linkage = linkage_name(&at);
            prepend(&result, linkage ? strings_keep_demangled(kept, linkage) : own_string(&at, DW_AT_name));
            break;
        }
        const char *outer = scope_name(&at, strcmp(name, "operator()") == 0);
        of_type |= outer != NULL;
        if (!prepend(&result, outer))
            break;
    }
    return result;
}

const char *dwarf_function_name(struct dwarf_names *names, struct units *units, strings *kept, Dwarf_Die *die,
                                const char *symbol)
{
    const char *linkage = linkage_name(die);
    if (!linkage && symbol && is_mangled(symbol))
        linkage = symbol;
    const char *plain = linkage ? NULL : own_string(die, DW_AT_name);
    if (!linkage && !plain)
        return strings_keep_demangled(kept, symbol);
    Dwarf_Die declared = declaration(die);
    const void *from = linkage ? (const void *)linkage : declared.addr;
    const struct made_name *made = find_made(names, from);
    if (made)
        return made->name;
    if (linkage)
        return remember(names, from, strings_keep_demangled(kept, linkage));
    char *full = qualified(units, kept, plain, &declared);
    const char *name = strings_keep(kept, full);
    free(full);
    return remember(names, from, name);
}
