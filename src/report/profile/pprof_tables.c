#include "report/profile/pprof_tables.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "report/common/phrases.h"

#define NAME_MAX_BYTES 16384

/* ---- trees -------------------------------------------------------------------------------- */

/* A thing that is in a table. The first two numbers and texts identify it; those that are not used
 * are 0 and NULL. */
struct known {
    uint64_t number, other;
    const char *text, *second;
    uint64_t id; /* or its index */
    char *owned; /* the text, if the tree owns it */
};

static int compare_text(const char *a, const char *b)
{
    return a == b ? 0 : strcmp(a ? a : "", b ? b : "");
}

static int compare_known(const void *left, const void *right)
{
    const struct known *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    if (a->other != b->other)
        return a->other < b->other ? -1 : 1;
    int order = compare_text(a->text, b->text);
    return order ? order : compare_text(a->second, b->second);
}

static void free_known(void *node)
{
    struct known *known = node;
    free(known->owned);
    free(known);
}

/* The entry of the tree, new with id 0 if there was none; NULL: out of memory. */
static struct known *find_or_add(struct pprof_tables *tables, void **tree, const struct known *wanted)
{
    struct known **found = tfind(wanted, tree, compare_known), *copy;
    if (found)
        return *found;
    copy = malloc(sizeof(*copy));
    if (copy)
        *copy = *wanted;
    if (!copy || !tsearch(copy, tree, compare_known)) {
        free(copy);
        tables->failed = true;
        return NULL;
    }
    return copy;
}

/* ---- strings ------------------------------------------------------------------------------ */

static int64_t add_string(struct pprof_tables *tables, const char *text)
{
    Pprof__Profile *profile = tables->profile;
    char *escaped = escaped_copy(text);
    if (PPROF_APPEND(tables, profile->string_table, profile->n_string_table, escaped))
        return (int64_t)profile->n_string_table - 1;
    free(escaped);
    return 0;
}

int64_t pprof_string(struct pprof_tables *tables, const char *text)
{
    if (!text || !*text)
        return 0;
    struct known *known = find_or_add(tables, &tables->strings, &(struct known){.text = text});
    if (!known || known->id)
        return known ? (int64_t)known->id : 0;
    known->id = (uint64_t)add_string(tables, text);
    known->owned = strdup(text); /* the caller's may change */
    tables->failed |= !known->owned;
    known->text = known->owned ? known->owned : "";
    return (int64_t)known->id;
}

/* ---- functions, mappings ------------------------------------------------------------------ */

static uint64_t add_function(struct pprof_tables *tables, const char *name, const char *file)
{
    Pprof__Profile *profile = tables->profile;
    Pprof__Function *function = malloc(sizeof(*function));
    if (!PPROF_APPEND(tables, profile->function, profile->n_function, function)) {
        free(function);
        return 0;
    }
    pprof__function__init(function);
    function->id = profile->n_function;
    function->name = function->system_name = pprof_string(tables, name);
    function->filename = pprof_string(tables, file);
    return function->id;
}

static uint64_t function_id(struct pprof_tables *tables, const char *name, const char *file)
{
    const struct known wanted = {.number = (uint64_t)pprof_string(tables, name),
                                 .other = (uint64_t)pprof_string(tables, file)};
    struct known *known = find_or_add(tables, &tables->functions, &wanted);
    if (known && !known->id)
        known->id = add_function(tables, name, file);
    return known ? known->id : 0;
}

static uint64_t add_mapping(struct pprof_tables *tables, const struct frame *frame)
{
    Pprof__Profile *profile = tables->profile;
    Pprof__Mapping *mapping = malloc(sizeof(*mapping));
    if (!PPROF_APPEND(tables, profile->mapping, profile->n_mapping, mapping)) {
        free(mapping);
        return 0;
    }
    pprof__mapping__init(mapping);
    mapping->id = profile->n_mapping;
    mapping->filename = pprof_string(tables, frame->module);
    mapping->build_id = pprof_string(tables, frame->build_id);
    mapping->has_functions = mapping->has_filenames = mapping->has_line_numbers = mapping->has_inline_frames =
        true;
    return mapping->id;
}

/* 0: the module is not known. */
static uint64_t mapping_id(struct pprof_tables *tables, const struct frame *frame)
{
    if (!frame->module)
        return 0;
    const struct known wanted = {.number = (uint64_t)pprof_string(tables, frame->module),
                                 .other = (uint64_t)pprof_string(tables, frame->build_id)};
    struct known *known = find_or_add(tables, &tables->mappings, &wanted);
    if (known && !known->id)
        known->id = add_mapping(tables, frame);
    return known ? known->id : 0;
}

void pprof_main_module(struct pprof_tables *tables, const struct frame *frames, size_t count, const char *exe)
{
    for (size_t i = 0; i < count && exe; i++)
        if (frames[i].module && !strcmp(frames[i].module, exe))
            mapping_id(tables, &frames[i]);
}

/* ---- locations ---------------------------------------------------------------------------- */

static Pprof__Location *add_location(struct pprof_tables *tables)
{
    Pprof__Profile *profile = tables->profile;
    Pprof__Location *location = malloc(sizeof(*location));
    if (!PPROF_APPEND(tables, profile->location, profile->n_location, location)) {
        free(location);
        return NULL;
    }
    pprof__location__init(location);
    location->id = profile->n_location;
    return location;
}

static void add_line(struct pprof_tables *tables, Pprof__Location *location, const char *name,
                     const struct frame *frame)
{
    Pprof__Line *line = malloc(sizeof(*line));
    if (!PPROF_APPEND(tables, location->line, location->n_line, line)) {
        free(line);
        return;
    }
    pprof__line__init(line);
    line->function_id = function_id(tables, name, frame ? frame->file : NULL);
    line->line = frame && frame->line > 0 ? frame->line : 0;
}

/* A caller's address is that of its call, which is before the return address. */
static uint64_t address_of(const struct frame *frame)
{
    uint64_t address = frame->module ? frame->offset : frame->pc;
    return address - (frame->is_return_address && address);
}

static size_t count_inlined(const struct frame *frames, size_t count)
{
    size_t used = 1;
    while (used < count && frames[used - 1].inlined)
        used++;
    return used;
}

uint64_t pprof_location(struct pprof_tables *tables, const struct frame *frames, size_t count, size_t *used)
{
    char name[NAME_MAX_BYTES];
    *used = count_inlined(frames, count);
    const struct frame *outer = &frames[*used - 1];
    /* The strings of one address are equal, whichever thread is there; inlined frames begin at any depth. */
    const struct known wanted = {.number = address_of(outer) + 1,
                                 .other = mapping_id(tables, outer) << 16 | (*used & 0xffff),
                                 .text = frames[0].function,
                                 .second = outer->function};
    struct known *known = find_or_add(tables, &tables->locations, &wanted);
    if (!known || known->id)
        return known ? known->id : 0;
    Pprof__Location *location = add_location(tables);
    if (!location)
        return 0;
    location->mapping_id = mapping_id(tables, outer);
    location->address = address_of(outer);
    for (size_t i = 0; i < *used; i++) {
        format_function(name, sizeof(name), &frames[i], sizeof(name) - 1);
        add_line(tables, location, name, &frames[i]);
    }
    return known->id = location->id;
}

uint64_t pprof_note(struct pprof_tables *tables, const char *text)
{
    struct known *known = find_or_add(tables, &tables->locations, &(struct known){.text = text});
    if (!known || known->id)
        return known ? known->id : 0;
    Pprof__Location *location = add_location(tables);
    if (!location)
        return 0;
    add_line(tables, location, text, NULL);
    return known->id = location->id;
}

/* ---- all ---------------------------------------------------------------------------------- */

bool pprof_tables_open(struct pprof_tables *tables)
{
    *tables = (struct pprof_tables){.profile = malloc(sizeof(*tables->profile))};
    if (!tables->profile)
        return false;
    pprof__profile__init(tables->profile);
    add_string(tables, "");
    return !tables->failed;
}

void pprof_tables_release(struct pprof_tables *tables)
{
    void *trees[] = {tables->strings, tables->functions, tables->mappings, tables->locations};
    for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
        tdestroy(trees[i], free_known);
    if (tables->profile)
        pprof__profile__free_unpacked(tables->profile, NULL);
}
