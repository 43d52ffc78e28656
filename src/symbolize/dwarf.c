#include "symbolize/dwarf.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "symbolize/dwarf_name.h"
#include "symbolize/scalar.h"
#include "symbolize/unit.h"

enum { DEEPEST = 256 }; /* maximum nesting of calls and blocks */

struct dwarf_index {
    Dwarf_Addr bias;
    struct units units;
    struct dwarf_names names;
};

struct dwarf_index *dwarf_index_new(Dwfl_Module *module)
{
    Dwarf_Addr bias;
    Dwarf *dwarf = dwfl_module_getdwarf(module, &bias);
    struct dwarf_index *index = dwarf ? calloc(1, sizeof(*index)) : NULL;
    if (!index)
        return NULL;
    index->bias = bias;
    units_read(&index->units, dwarf);
    return index;
}

void dwarf_index_free(struct dwarf_index *index)
{
    if (!index)
        return;
    units_release(&index->units);
    dwarf_names_release(&index->names);
    free(index);
}

/* ---- places ---------------------------------------------------------------------------- */

/* libdw adds the unit's directory to most names, but not to all. */
static char *full_path(const char *directory, const char *file)
{
    char *path = NULL;
    size_t length = directory ? strlen(directory) : 0;
    if (!length || *file == '/' || (strncmp(file, directory, length) == 0 && file[length] == '/'))
        return strdup(file);
    return asprintf(&path, "%s/%s", directory, file) < 0 ? NULL : path;
}

static void set_place(strings *kept, struct frame *frame, Dwarf_Die *unit, const char *file, int line)
{
    Dwarf_Attribute attribute;
    if (!file)
        return;
    const char *directory = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    char *path = full_path(directory, file);
    frame->file = strings_keep(kept, path);
    frame->line = frame->file ? line : 0;
    free(path);
}

static void set_line(strings *kept, struct frame *frame, struct unit *unit, Dwarf_Addr address)
{
    Dwarf_Line *line = unit_line(unit, address);
    int number = 0;
    if (line && dwarf_lineno(line, &number) == 0)
        set_place(kept, frame, &unit->die, dwarf_linesrc(line, NULL, NULL), number);
}

/* The place of an inlined call. */
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
    if (!ARRAY_GROW(list->frames, list->count))
        return NULL;
    list->frames[list->count] = (struct frame){0};
    return &list->frames[list->count++];
}

/* The block or inlined call one level down that contains the address. */
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

/* For a function in several ranges the entry is in the first. */
static bool first_address(Dwarf_Die *function, Dwarf_Addr *start)
{
    Dwarf_Addr base, end;
    return dwarf_entrypc(function, start) == 0 || dwarf_ranges(function, 0, &base, start, &end) > 0;
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
                        struct frame_list *list, Dwarf_Addr *start)
{
    address -= index->bias;
    struct unit *unit = units_find(&index->units, address);
    struct frame *frame = unit ? add_frame(list) : NULL;
    if (!frame)
        return;
    const struct scope *function = unit_function(unit, address);
    if (function) {
        /* Goes from the function to the innermost call: the place of a call belongs to the caller's frame. */
        Dwarf_Die die = function->die;
        Dwarf_Addr first;
        if (first_address(&die, &first))
            *start = first + index->bias;
        frame->function = dwarf_function_name(&index->names, &index->units, kept, &die, symbol);
        for (int depth = 0; depth < DEEPEST && enter(&die, address); depth++) {
            if (dwarf_tag(&die) != DW_TAG_inlined_subroutine)
                continue;
            set_call_place(kept, frame, unit, &die);
            struct frame *inner = add_frame(list);
            if (!inner)
                break;
            frame = inner;
            frame->function = dwarf_function_name(&index->names, &index->units, kept, &die, NULL);
            frame->inlined = true;
        }
    } else {
        frame->function = strings_keep_demangled(kept, symbol); /* assembler */
    }
    set_line(kept, frame, unit, address);
    reverse(list);
}

const char *dwarf_index_scalar(struct dwarf_index *index, strings *kept, Dwarf_Addr address,
                               const struct frame_place *place)
{
    struct unit *unit = units_find(&index->units, address - index->bias);
    const struct scope *function = unit ? unit_function(unit, address - index->bias) : NULL;
    const char *name = function ? scalar_find(function->die, address - index->bias, place) : NULL;
    return name ? strings_keep(kept, name) : NULL;
}
