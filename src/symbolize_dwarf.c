#include "symbolize_dwarf.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbolize_dwarf_name.h"
#include "symbolize_ranges.h"

enum { DEEPEST = 256 }; /* nesting of scopes that is looked into */

/* One compilation unit. */
struct unit {
    Dwarf_Die die;  /* has the line table */
    Dwarf_Die code; /* has the functions: another one with split debug information */
    bool indexed;
    struct ranges functions; /* value: index of dies */
    Dwarf_Die *dies;
    size_t count;
};

struct dwarf_index {
    Dwarf_Addr bias;
    struct ranges ranges; /* value: index of units */
    struct unit *units;
    size_t count;
    struct dwarf_names names;
};

/* A linker that drops a function leaves its description behind, at address 0. */
static bool add_ranges(struct ranges *ranges, Dwarf_Die *die, size_t value)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t at = 0;
    while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
        struct range range = {.low = low, .high = high, .value = value};
        if (low && !ranges_add(ranges, &range))
            return false;
    }
    return true;
}

/* ---- units ----------------------------------------------------------------------- */

static bool add_unit(struct dwarf_index *index, Dwarf_Die *die, const Dwarf_Die *split)
{
    if ((index->count & (index->count - 1)) == 0) {
        size_t room = index->count ? 2 * index->count : 1;
        struct unit *units = realloc(index->units, room * sizeof(*units));
        if (!units)
            return false;
        index->units = units;
    }
    index->units[index->count] = (struct unit){.die = *die, .code = split->addr ? *split : *die};
    return add_ranges(&index->ranges, die, index->count++);
}

struct dwarf_index *dwarf_index_new(Dwfl_Module *module)
{
    Dwarf_Addr bias;
    Dwarf *dwarf = dwfl_module_getdwarf(module, &bias);
    struct dwarf_index *index = dwarf ? calloc(1, sizeof(*index)) : NULL;
    if (!index)
        return NULL;
    index->bias = bias;
    Dwarf_CU *cu = NULL;
    Dwarf_Die die, split;
    uint8_t kind;
    while (memset(&split, 0, sizeof(split)), dwarf_get_units(dwarf, cu, &cu, NULL, &kind, &die, &split) == 0)
        if ((kind == DW_UT_compile || kind == DW_UT_skeleton) && !add_unit(index, &die, &split))
            break;
    return index;
}

void dwarf_index_free(struct dwarf_index *index)
{
    if (!index)
        return;
    for (size_t i = 0; i < index->count; i++) {
        ranges_release(&index->units[i].functions);
        free(index->units[i].dies);
    }
    ranges_release(&index->ranges);
    dwarf_names_release(&index->names);
    free(index->units);
    free(index);
}

/* ---- functions of a unit ------------------------------------------------------------ */

static bool add_function(struct unit *unit, Dwarf_Die *die)
{
    if ((unit->count & (unit->count - 1)) == 0) {
        size_t room = unit->count ? 2 * unit->count : 1;
        Dwarf_Die *dies = realloc(unit->dies, room * sizeof(*dies));
        if (!dies)
            return false;
        unit->dies = dies;
    }
    unit->dies[unit->count] = *die;
    return add_ranges(&unit->functions, die, unit->count++);
}

static bool may_hold_functions(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_namespace ||
           tag == DW_TAG_module || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

/* Functions stand in namespaces, in types (Rust) and in one another (GNU C, lambdas). */
static void index_functions(struct unit *unit, Dwarf_Die *parent, int depth)
{
    Dwarf_Die die;
    if (depth > DEEPEST || dwarf_child(parent, &die) != 0)
        return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram && !add_function(unit, &die))
            return;
        if (may_hold_functions(tag))
            index_functions(unit, &die, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static struct unit *find_unit(struct dwarf_index *index, Dwarf_Addr address)
{
    const struct range *range = ranges_find(&index->ranges, address);
    struct unit *unit = range ? &index->units[range->value] : NULL;
    if (unit && !unit->indexed) {
        unit->indexed = true;
        index_functions(unit, &unit->code, 0);
    }
    return unit;
}

/* ---- places ---------------------------------------------------------------------------- */

/* libdw puts the unit's folder in front of most names, but not of all. */
static char *full_path(const char *folder, const char *file)
{
    char *path = NULL;
    size_t length = folder ? strlen(folder) : 0;
    if (!length || *file == '/' || (strncmp(file, folder, length) == 0 && file[length] == '/'))
        return strdup(file);
    return asprintf(&path, "%s/%s", folder, file) < 0 ? NULL : path;
}

static void set_place(strings *kept, struct frame *frame, Dwarf_Die *unit, const char *file, int line)
{
    Dwarf_Attribute attribute;
    if (!file)
        return;
    const char *folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    char *path = full_path(folder, file);
    frame->file = strings_keep(kept, path);
    frame->line = frame->file ? line : 0;
    free(path);
}

static void set_line(strings *kept, struct frame *frame, Dwarf_Die *unit, Dwarf_Addr address)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    int number = 0;
    if (line && dwarf_lineno(line, &number) == 0)
        set_place(kept, frame, unit, dwarf_linesrc(line, NULL, NULL), number);
}

/* Where an inlined call stands. */
static void set_call_place(strings *kept, struct frame *frame, struct unit *unit, Dwarf_Die *call)
{
    Dwarf_Attribute attribute;
    Dwarf_Word file, line;
    Dwarf_Files *files;
    size_t count;
    if (dwarf_formudata(dwarf_attr(call, DW_AT_call_file, &attribute), &file) == 0 &&
        dwarf_formudata(dwarf_attr(call, DW_AT_call_line, &attribute), &line) == 0 &&
        dwarf_getsrcfiles(&unit->code, &files, &count) == 0 && file < count)
        set_place(kept, frame, &unit->die, dwarf_filesrc(files, file, NULL, NULL), (int)line);
}

/* ---- frames ------------------------------------------------------------------------------ */

static struct frame *add_frame(struct frame_list *list)
{
    struct frame *frames = realloc(list->frames, (list->count + 1) * sizeof(*frames));
    if (!frames)
        return NULL;
    list->frames = frames;
    memset(&frames[list->count], 0, sizeof(*frames));
    return &frames[list->count++];
}

/* The block or inlined call that the address is in, one level down. */
static bool enter(Dwarf_Die *die, Dwarf_Addr address)
{
    Dwarf_Die child;
    if (dwarf_child(die, &child) != 0)
        return false;
    do {
        int tag = dwarf_tag(&child);
        if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
             tag == DW_TAG_catch_block) &&
            dwarf_haspc(&child, address) > 0) {
            *die = child;
            return true;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

static void reverse(struct frame_list *list)
{
    for (size_t i = 0, j = list->count; i + 1 < j; i++) {
        struct frame other = list->frames[--j];
        list->frames[j] = list->frames[i];
        list->frames[i] = other;
    }
}

void dwarf_index_frames(struct dwarf_index *index, strings *kept, Dwarf_Addr address, const char *symbol,
                        struct frame_list *list)
{
    address -= index->bias;
    struct unit *unit = find_unit(index, address);
    struct frame *frame = unit ? add_frame(list) : NULL;
    if (!frame)
        return;
    const struct range *range = ranges_find(&unit->functions, address);
    if (range) {
        /* From the function itself inwards: a call's place is that of its caller's frame. */
        Dwarf_Die die = unit->dies[range->value];
        frame->function = dwarf_function_name(&index->names, kept, &die, symbol);
        for (int depth = 0; depth < DEEPEST && enter(&die, address); depth++) {
            if (dwarf_tag(&die) != DW_TAG_inlined_subroutine)
                continue;
            set_call_place(kept, frame, unit, &die);
            struct frame *inner = add_frame(list);
            if (!inner)
                break;
            frame = inner;
            frame->function = dwarf_function_name(&index->names, kept, &die, NULL);
            frame->inlined = true;
        }
    } else {
        frame->function = strings_keep_demangled(kept, symbol); /* assembler */
    }
    set_line(kept, frame, &unit->die, address);
    reverse(list);
}
