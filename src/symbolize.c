#include "symbolize.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <libiberty/demangle.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime_frames.h"

/* One ELF file, opened when the first address in it is asked for. */
struct image {
    char *path;
    char build_id[65]; /* hex, "" unknown */
    Dwfl *dwfl;        /* NULL: no file can be believed */
    Dwfl_Module *module;
    Dwarf_Addr bias;
};

/* One address, looked up once. */
struct answer {
    const struct image *image;
    uint64_t offset;
    uint64_t pc;
    bool is_return_address;
    struct frame_list list;
};

struct symbolizer {
    Dwfl_Callbacks callbacks;
    void *images;  /* tsearch trees */
    void *answers;
    void *strings; /* every string is kept once */
};

/* ---- strings ------------------------------------------------------------------ */

static int compare_strings(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The kept copy of a string, or NULL. */
static const char *keep(struct symbolizer *symbolizer, const char *string)
{
    if (!string)
        return NULL;
    char **found = tfind(string, &symbolizer->strings, compare_strings);
    if (found)
        return *found;
    char *copy = strdup(string);
    if (copy)
        tsearch(copy, &symbolizer->strings, compare_strings);
    return copy;
}

static const char *keep_demangled(struct symbolizer *symbolizer, const char *name)
{
    if (!name)
        return NULL;
    int style = DMGL_PARAMS | DMGL_ANSI | DMGL_VERBOSE;
    char *plain = NULL;
    if (strncmp(name, "_R", 2) == 0 || strncmp(name, "_ZN", 3) == 0)
        plain = rust_demangle(name, DMGL_PARAMS); /* legacy names are C++ ones with a hash at the end */
    if (!plain && strncmp(name, "_Z", 2) == 0)
        plain = cplus_demangle_v3(name, style & ~DMGL_VERBOSE);
    const char *kept = keep(symbolizer, plain ? plain : name);
    free(plain);
    return kept;
}

/* ---- images -------------------------------------------------------------------- */

static void to_hex(char out[65], const uint8_t *bytes, size_t length)
{
    out[0] = 0;
    for (size_t i = 0; i < length && i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool module_has_build_id(Dwfl_Module *module, const char *wanted)
{
    const unsigned char *bits;
    GElf_Addr address;
    char found[65];
    int length = dwfl_module_build_id(module, &bits, &address);
    if (length <= 0)
        return false;
    to_hex(found, bits, (size_t)length);
    return strcmp(found, wanted) == 0;
}

/* Reports one file, at its own addresses; false: it is not the one. */
static bool open_file(const struct symbolizer *symbolizer, struct image *image, const char *path)
{
    image->dwfl = dwfl_begin(&symbolizer->callbacks);
    if (!image->dwfl)
        return false;
    image->module = dwfl_report_offline(image->dwfl, path, path, -1);
    dwfl_report_end(image->dwfl, NULL, NULL);
    GElf_Addr bias;
    if (image->module && dwfl_module_getelf(image->module, &bias) &&
        (!image->build_id[0] || module_has_build_id(image->module, image->build_id))) {
        image->bias = bias;
        return true;
    }
    dwfl_end(image->dwfl);
    image->dwfl = NULL;
    image->module = NULL;
    return false;
}

/* A file replaced since: its old self may be among the debug files, by build-id. */
static bool open_by_build_id(const struct symbolizer *symbolizer, struct image *image)
{
    static const char *const endings[] = {"", ".debug"};
    char path[160];
    if (strlen(image->build_id) < 4)
        return false;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s%s", image->build_id, image->build_id + 2,
                 endings[i]);
        if (access(path, R_OK) == 0 && open_file(symbolizer, image, path))
            return true;
    }
    return false;
}

static int compare_images(const void *a, const void *b)
{
    const struct image *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : strcmp(x->build_id, y->build_id);
}

static struct image *find_image(struct symbolizer *symbolizer, const struct code_address *address)
{
    struct image key = {.path = (char *)address->module};
    to_hex(key.build_id, address->build_id, address->build_id ? address->build_id_len : 0);
    struct image **found = tfind(&key, &symbolizer->images, compare_images);
    if (found)
        return *found;
    struct image *image = calloc(1, sizeof(*image));
    if (!image)
        return NULL;
    *image = key;
    image->path = strdup(address->module);
    if (!image->path || !tsearch(image, &symbolizer->images, compare_images)) {
        free(image->path);
        free(image);
        return NULL;
    }
    if (*image->path != '/' || !open_file(symbolizer, image, image->path))
        open_by_build_id(symbolizer, image);
    return image;
}

static void free_image(void *at)
{
    struct image *image = at;
    if (image->dwfl)
        dwfl_end(image->dwfl);
    free(image->path);
    free(image);
}

/* ---- frames ----------------------------------------------------------------------- */

static struct frame *add_frame(struct frame_list *list)
{
    struct frame *frames = realloc(list->frames, (list->count + 1) * sizeof(*frames));
    if (!frames)
        return NULL;
    list->frames = frames;
    memset(&frames[list->count], 0, sizeof(*frames));
    return &frames[list->count++];
}

static const char *die_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    static const unsigned int names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name};
    for (size_t i = 0; i < 2; i++)
        if (dwarf_attr_integrate(die, names[i], &attribute))
            return dwarf_formstring(&attribute);
    return dwarf_attr_integrate(die, DW_AT_name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

static char *join_path(const char *folder, const char *file)
{
    char *path = NULL;
    if (!file || *file == '/' || !folder)
        return file ? strdup(file) : NULL;
    return asprintf(&path, "%s/%s", folder, file) < 0 ? NULL : path;
}

static void set_place(struct symbolizer *symbolizer, struct frame *frame, Dwarf_Die *cu, const char *file, int line)
{
    Dwarf_Attribute attribute;
    const char *folder =
        dwarf_attr(cu, DW_AT_comp_dir, &attribute) ? dwarf_formstring(&attribute) : NULL;
    char *path = join_path(folder, file);
    frame->file = keep(symbolizer, path);
    frame->line = frame->file ? line : 0;
    free(path);
}

static void set_call_place(struct symbolizer *symbolizer, struct frame *frame, Dwarf_Die *cu, Dwarf_Die *inlined)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number, line;
    Dwarf_Files *files;
    size_t count;
    if (!dwarf_attr(inlined, DW_AT_call_file, &attribute) || dwarf_formudata(&attribute, &number) != 0 ||
        !dwarf_attr(inlined, DW_AT_call_line, &attribute) || dwarf_formudata(&attribute, &line) != 0 ||
        dwarf_getsrcfiles(cu, &files, &count) != 0)
        return;
    set_place(symbolizer, frame, cu, dwarf_filesrc(files, number, NULL, NULL), (int)line);
}

static void set_line(struct symbolizer *symbolizer, struct frame *frame, Dwarf_Die *cu, Dwarf_Addr address)
{
    Dwarf_Line *line = dwarf_getsrc_die(cu, address);
    int number = 0;
    if (!line)
        return;
    dwarf_lineno(line, &number);
    set_place(symbolizer, frame, cu, dwarf_linesrc(line, NULL, NULL), number);
}

/* The chain of inlined calls at an address, from debug information; false: there is none. */
static bool frames_from_dwarf(struct symbolizer *symbolizer, const struct image *image, Dwarf_Addr address,
                              struct frame_list *list)
{
    Dwarf_Addr bias = 0;
    Dwarf_Die *cu = dwfl_module_addrdie(image->module, address, &bias);
    Dwarf_Die *innermost = NULL, *scopes = NULL;
    if (!cu)
        return false;
    /* From an inlined call outwards, the first list goes on in the abstract
     * function; the second one is the nesting in the code. */
    int count = dwarf_getscopes(cu, address - bias, &innermost);
    if (count > 0)
        count = dwarf_getscopes_die(&innermost[0], &scopes);
    free(innermost);
    Dwarf_Die *inlined = NULL;
    for (int i = 0; i < count; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
            continue;
        struct frame *frame = add_frame(list);
        if (!frame)
            break;
        if (inlined)
            set_call_place(symbolizer, frame, cu, inlined);
        else
            set_line(symbolizer, frame, cu, address - bias);
        frame->function = keep_demangled(symbolizer, die_name(&scopes[i]));
        frame->inlined = tag == DW_TAG_inlined_subroutine;
        inlined = &scopes[i];
        if (tag == DW_TAG_subprogram)
            break;
    }
    free(scopes);
    return list->count > 0;
}

static void look_up(struct symbolizer *symbolizer, struct answer *answer)
{
    const struct image *image = answer->image;
    struct frame_list *list = &answer->list;
    /* The call-site rule: a return address belongs to the call before it. */
    uint64_t offset = answer->offset - (answer->is_return_address ? 1 : 0);
    if (image && image->module) {
        GElf_Addr address = offset + image->bias;
        GElf_Sym symbol;
        GElf_Off distance;
        const char *name = dwfl_module_addrinfo(image->module, address, &distance, &symbol, NULL, NULL, NULL);
        if (!frames_from_dwarf(symbolizer, image, address, list) && name) {
            struct frame *frame = add_frame(list);
            if (frame)
                frame->function = keep_demangled(symbolizer, name);
        }
        /* A symbol says more than DW_AT_name where there is no linkage name. */
        if (list->count && !list->frames[list->count - 1].function)
            list->frames[list->count - 1].function = keep_demangled(symbolizer, name);
    }
    if (!list->count)
        add_frame(list);
}

/* ---- answers ---------------------------------------------------------------------------- */

static int compare_answers(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->pc != y->pc)
        return x->pc < y->pc ? -1 : 1;
    return x->is_return_address - y->is_return_address;
}

static void free_answer(void *at)
{
    struct answer *answer = at;
    free(answer->list.frames);
    free(answer);
}

static void set_common(struct symbolizer *symbolizer, const struct answer *answer)
{
    for (size_t i = 0; i < answer->list.count; i++) {
        struct frame *frame = &answer->list.frames[i];
        frame->pc = answer->pc;
        frame->offset = answer->offset;
        frame->module = answer->image ? answer->image->path : NULL;
        frame->build_id = answer->image && answer->image->build_id[0] ? answer->image->build_id : NULL;
        frame->runtime = is_runtime_frame(frame);
    }
    (void)symbolizer;
}

const struct frame_list *symbolize(struct symbolizer *symbolizer, const struct code_address *address)
{
    static struct frame unknown;
    static const struct frame_list nothing = {&unknown, 1}; /* out of memory */
    struct answer key = {
        .image = address->module ? find_image(symbolizer, address) : NULL,
        .offset = address->offset,
        .pc = address->pc,
        .is_return_address = address->is_return_address,
    };
    struct answer **found = tfind(&key, &symbolizer->answers, compare_answers);
    if (found)
        return &(*found)->list;
    struct answer *answer = calloc(1, sizeof(*answer));
    if (!answer)
        return &nothing;
    *answer = key;
    look_up(symbolizer, answer);
    set_common(symbolizer, answer);
    if (!answer->list.count || !tsearch(answer, &symbolizer->answers, compare_answers)) {
        free_answer(answer);
        return &nothing;
    }
    return &answer->list;
}

struct symbolizer *symbolizer_new(bool debuginfod)
{
    struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));
    if (!symbolizer)
        return NULL;
    /* libdwfl asks the servers that this variable names, of its own accord. */
    if (!debuginfod)
        unsetenv("DEBUGINFOD_URLS");
    symbolizer->callbacks.find_elf = dwfl_build_id_find_elf;
    symbolizer->callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    symbolizer->callbacks.section_address = dwfl_offline_section_address;
    return symbolizer;
}

void symbolizer_free(struct symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    tdestroy(symbolizer->answers, free_answer);
    tdestroy(symbolizer->images, free_image);
    tdestroy(symbolizer->strings, free);
    free(symbolizer);
}
