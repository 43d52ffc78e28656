#include "symbolize/symbolize.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "symbolize/file.h"
#include "symbolize/name.h"
#include "symbolize/object.h"

/* The result for one address. */
struct answer {
    struct image *image; /* NULL: the module is not known */
    pid_t process;       /* then: of which process the pc is */
    uint64_t offset;
    uint64_t pc;
    bool is_return_address;
    bool is_symbol;  /* only a symbol names the function */
    GElf_Addr start; /* the function's first address, with libdwfl's bias; 0: unknown */
    struct frame_list list;
};

struct symbolizer {
    bool debuginfod, symbols_only;
    pid_t process;            /* whose files are opened; below 0: a number for one that has ended; 0: ours */
    pid_t ended;              /* how many of those there are */
    uint64_t unchanged_since; /* files without a build-id; 0: no limit */
    struct image **images;    /* few; the last one used is first */
    size_t image_count;
    void *answers; /* tsearch tree */
    strings strings;
};

/* Takes ownership of the image. NULL: out of memory. */
static struct image *add_image(struct symbolizer *symbolizer, struct image *image)
{
    if (image && !ARRAY_GROW(symbolizer->images, symbolizer->image_count)) {
        image_free(image);
        return NULL;
    }
    if (image)
        symbolizer->images[symbolizer->image_count++] = image;
    return image;
}

static struct image *find_image(struct symbolizer *symbolizer, const struct code_address *address)
{
    struct image **images = symbolizer->images;
    for (size_t i = 0; i < symbolizer->image_count; i++)
        if (image_is_of(images[i], address, symbolizer->process, symbolizer->unchanged_since)) {
            struct image *found = images[i];
            images[i] = images[0];
            images[0] = found;
            return found;
        }
    return add_image(symbolizer, image_open(address, symbolizer->debuginfod, symbolizer->symbols_only,
                                            symbolizer->process, symbolizer->unchanged_since));
}

bool symbolizer_add_image(struct symbolizer *symbolizer, const char *module, const void *bytes, size_t size)
{
    return add_image(symbolizer, image_of_memory(module, bytes, size)) != NULL;
}

static void resolve(struct symbolizer *symbolizer, struct answer *answer)
{
    struct image *image = answer->image;
    struct frame_list *list = &answer->list;
    const char *symbol = NULL;
    if (image && image->module) {
        /* The call-site rule: a return address belongs to the call before it. */
        GElf_Addr address = answer->offset - answer->is_return_address + image->bias;
        symbol = image_symbol(image, address, &answer->start);
        answer->is_symbol = true;
        GElf_Addr start = 0;
        if (image->dwarf)
            dwarf_index_frames(image->dwarf, &symbolizer->strings, address, symbol, list, &start);
        if (start) {
            answer->start = start;
            answer->is_symbol = false;
        }
    }
    if (list->count)
        return;
    list->frames = calloc(1, sizeof(*list->frames));
    if (!list->frames)
        return;
    list->count = 1;
    list->frames->function = strings_keep_demangled(&symbolizer->strings, symbol);
}

static void set_common(const struct answer *answer)
{
    const struct image *image = answer->image;
    for (size_t i = 0; i < answer->list.count; i++) {
        struct frame *frame = &answer->list.frames[i];
        frame->pc = answer->pc;
        frame->offset = answer->offset;
        frame->is_return_address = answer->is_return_address;
        frame->module = image ? image->path : NULL;
        frame->build_id = image && image->build_id[0] ? image->build_id : NULL;
        frame_classify(frame);
    }
}

/*
 * Debug information has the internal names of a library's functions, which also identify runtimes:
 * "__interceptor_pthread_create".
 */
static void say_known_name(struct symbolizer *symbolizer, struct answer *answer)
{
    struct image *image = answer->image;
    if (!image || !image->module || !answer->start || !answer->list.count)
        return;
    struct frame *frame = &answer->list.frames[answer->list.count - 1];
    const char *name = aliases_find(&image->aliases, image->module, image->bias, answer->start,
                                    frame->function, answer->is_symbol);
    const char *known = strings_keep_demangled(&symbolizer->strings, name);
    if (!known)
        return;
    bool was_runtime = frame->runtime && !frame->framework;
    frame->function = known;
    frame_classify(frame);
    frame->framework &= !was_runtime;
    frame->runtime |= was_runtime;
}

static int compare_answers(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    if (x->process != y->process)
        return x->process < y->process ? -1 : 1;
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

static bool keep(struct symbolizer *symbolizer, struct answer *answer)
{
    if (answer->list.count && tsearch(answer, &symbolizer->answers, compare_answers))
        return true;
    free_answer(answer);
    return false;
}

static struct answer answer_for(struct symbolizer *symbolizer, const struct code_address *address)
{
    return (struct answer){
        .image = address->module ? find_image(symbolizer, address) : NULL,
        .process = address->module ? 0 : symbolizer->process,
        .offset = address->offset,
        .pc = address->pc,
        .is_return_address = address->is_return_address,
    };
}

const struct frame_list *symbolize(struct symbolizer *symbolizer, const struct code_address *address)
{
    static struct frame unknown;
    static const struct frame_list nothing = {&unknown, 1}; /* out of memory */
    struct answer key = answer_for(symbolizer, address);
    if (address->module && !key.image)
        return &nothing;
    struct answer **found = tfind(&key, &symbolizer->answers, compare_answers);
    if (found)
        return &(*found)->list;
    struct answer *answer = malloc(sizeof(*answer));
    if (!answer)
        return &nothing;
    *answer = key;
    resolve(symbolizer, answer);
    set_common(answer);
    say_known_name(symbolizer, answer);
    return keep(symbolizer, answer) ? &answer->list : &nothing;
}

bool symbolizer_add_frames(struct symbolizer *symbolizer, const struct code_address *address,
                           const struct frame *frames, size_t count)
{
    struct answer key = answer_for(symbolizer, address);
    if (!key.image || !count || tfind(&key, &symbolizer->answers, compare_answers))
        return true;
    struct answer *answer = malloc(sizeof(*answer));
    if (!answer)
        return false;
    *answer = key;
    if ((answer->list.frames = malloc(count * sizeof(*frames)))) {
        memcpy(answer->list.frames, frames, count * sizeof(*frames));
        answer->list.count = count;
    }
    return keep(symbolizer, answer);
}

/* With libdwfl's bias; 0: unknown. */
static GElf_Addr start_of(struct symbolizer *symbolizer, const struct code_address *address,
                          struct image **image)
{
    const struct answer key = answer_for(symbolizer, address);
    struct answer **found =
        symbolize(symbolizer, address)->count ? tfind(&key, &symbolizer->answers, compare_answers) : NULL;
    *image = key.image;
    return found ? (*found)->start : 0;
}

bool symbolize_same_function(struct symbolizer *symbolizer, const struct code_address *a,
                             const struct code_address *b)
{
    struct image *image, *other;
    GElf_Addr start = start_of(symbolizer, a, &image);
    return start && start == start_of(symbolizer, b, &other) && image == other;
}

struct symbolizer *symbolizer_new(bool debuginfod)
{
    struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));
    if (symbolizer)
        symbolizer->debuginfod = debuginfod;
    return symbolizer;
}

void symbolizer_see_as(struct symbolizer *symbolizer, pid_t pid)
{
    symbolizer->process = pid;
}

void symbolizer_see_as_ended(struct symbolizer *symbolizer)
{
    symbolizer->process = -++symbolizer->ended;
}

void symbolizer_unchanged_since(struct symbolizer *symbolizer, uint64_t ns)
{
    symbolizer->unchanged_since = ns;
}

void symbolizer_read_symbols_only(struct symbolizer *symbolizer)
{
    symbolizer->symbols_only = true;
}

void symbolizer_free(struct symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    tdestroy(symbolizer->answers, free_answer);
    for (size_t i = 0; i < symbolizer->image_count; i++)
        image_free(symbolizer->images[i]);
    free(symbolizer->images);
    strings_release(&symbolizer->strings);
    free(symbolizer);
}

const char *symbolizer_keep(struct symbolizer *symbolizer, const char *string)
{
    return strings_keep(&symbolizer->strings, string);
}

/* ---- variables --------------------------------------------------------------------------- */

const char *symbolize_scalar(struct symbolizer *symbolizer, const struct code_address *address,
                             const struct frame_place *place)
{
    struct image *image = address->module ? find_image(symbolizer, address) : NULL;
    if (!image || !image->dwarf)
        return NULL;
    GElf_Addr at = address->offset - address->is_return_address + image->bias;
    return dwarf_index_scalar(image->dwarf, &symbolizer->strings, at, place);
}

const char *symbolize_data(struct symbolizer *symbolizer, const struct code_address *address, uint64_t *into)
{
    struct image *image = address->module ? find_image(symbolizer, address) : NULL;
    if (!image || !image->module)
        return NULL;
    bool local = false;
    const char *name = image_object(image, address->offset + image->bias, into, &local);
    if (local)
        name = strings_keep_local(&symbolizer->strings, name);
    return strings_keep_demangled(&symbolizer->strings, name);
}
