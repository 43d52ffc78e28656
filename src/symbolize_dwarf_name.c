#include "symbolize_dwarf_name.h"

#include <dwarf.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

/* A name made from what lies at an address of the mapped file: a string or an entry. */
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

/* The entry that stands where the function was declared. */
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

/* What a scope adds to the names in it; a function does only to those of its types. */
static const char *scope_name(Dwarf_Die *scope, bool of_type)
{
    switch (dwarf_tag(scope)) {
    case DW_TAG_namespace: {
        const char *name = dwarf_diename(scope);
        return name ? name : "(anonymous namespace)";
    }
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
        return dwarf_diename(scope);
    case DW_TAG_subprogram:
        return of_type ? own_string(scope, DW_AT_name) : NULL;
    default:
        return NULL;
    }
}

/* In C no name stands in a scope; looking for one means walking the unit. */
static bool may_be_in_scope(Dwarf_Die *die)
{
    enum { C17 = 0x2c }; /* not in every <dwarf.h> */
    Dwarf_Die unit;
    int language = dwarf_diecu(die, &unit, NULL, NULL) ? dwarf_srclang(&unit) : -1;
    return language != DW_LANG_C89 && language != DW_LANG_C && language != DW_LANG_C99 &&
           language != DW_LANG_C11 && language != C17;
}

static char *qualified(const char *name, Dwarf_Die *die)
{
    Dwarf_Die *scopes = NULL;
    int count = may_be_in_scope(die) ? dwarf_getscopes_die(die, &scopes) : 0;
    char *result = NULL;
    bool of_type = false;
    if (asprintf(&result, "%s", name) < 0)
        result = NULL;
    for (int i = 1; i < count && result; i++) {
        const char *scope = scope_name(&scopes[i], of_type);
        char *longer;
        if (!scope)
            continue;
        if (asprintf(&longer, "%s::%s", scope, result) < 0)
            break;
        free(result);
        result = longer;
        of_type = true;
    }
    free(scopes);
    return result;
}

const char *dwarf_function_name(struct dwarf_names *names, strings *kept, Dwarf_Die *die, const char *symbol)
{
    const char *linkage = own_string(die, DW_AT_linkage_name);
    if (!linkage)
        linkage = own_string(die, DW_AT_MIPS_linkage_name);
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
    char *full = qualified(plain, &declared);
    const char *name = strings_keep(kept, full);
    free(full);
    return remember(names, from, name);
}
