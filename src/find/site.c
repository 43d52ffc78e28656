#include "find/site.h"

#include <stdlib.h>

#include "base/path.h"

/* The frame with this number in the lists of all return addresses, which the symbolizer owns. */
static const struct frame *frame_at(const struct find_context *context, const ledger_pc *pcs, uint32_t count,
                                    size_t number)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct frame_list *list =
            stack_frames(context->evidence->ledger, context->symbolizer, pcs[i], true);
        if (number < list->count)
            return &list->frames[number];
        number -= list->count;
    }
    return NULL;
}

const struct frame *site_place(const struct find_context *context, const struct ledger_site *site)
{
    const struct ledger *ledger = context->evidence->ledger;
    struct frame *frames = NULL;
    size_t number = 0, frame_count = 0;
    uint32_t count = 0;
    const ledger_pc *pcs = ledger_get_frames(ledger, site, &count);
    if (count > OPTIONS_DEPTH_MAX)
        count = OPTIONS_DEPTH_MAX;
    bool done = true;
    for (uint32_t i = 0; done && i < count; i++)
        done = frames_append(&frames, &frame_count, stack_frames(ledger, context->symbolizer, pcs[i], true));
    if (done && frame_count) {
        stack_mark_start_up(frames, frame_count);
        const struct frame *user = innermost_user_frame(frames, frame_count);
        number = user ? (size_t)(user - frames) : 0;
    }
    free(frames);
    return frame_at(context, pcs, count, number);
}

const struct frame *site_start(const struct find_context *context, const struct ledger_site *site)
{
    return site->start_pc ? stack_function(context->evidence->ledger, context->symbolizer, site->start_pc)
                          : NULL;
}

const struct frame *call_place(const struct find_context *context, ledger_pc pc)
{
    return pc ? stack_call(context->evidence->ledger, context->symbolizer, pc) : NULL;
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static bool has_line(const struct frame *frame)
{
    return frame->file && frame->line > 0;
}

int compare_places(const struct frame *a, const struct frame *b)
{
    if (!a || !b || a == b)
        return compare_numbers(a != NULL, b != NULL);
    int order = compare_texts(a->module, b->module);
    if (order == 0)
        order = compare_texts(a->function, b->function);
    if (order == 0)
        order = compare_numbers(has_line(a), has_line(b));
    if (order == 0 && has_line(a))
        order = compare_texts(a->file, b->file);
    if (order == 0 && has_line(a))
        return compare_numbers((uint64_t)a->line, (uint64_t)b->line);
    return order ? order : compare_numbers(a->module ? a->offset : a->pc, b->module ? b->offset : b->pc);
}

void add_place(struct line *line, const struct frame *frame)
{
    if (!frame)
        line_add(line, "an unknown place");
    else if (frame->file && frame->line > 0)
        line_add(line, "%s:%d", path_basename(frame->file), frame->line);
    else if (frame->function)
        line_add(line, "%s", frame->function);
    else if (frame->module)
        line_add(line, "%s+0x%llx", path_basename(frame->module), (unsigned long long)frame->offset);
    else
        line_add(line, "0x%llx", (unsigned long long)frame->pc);
}

/* ---- callers ---------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3ull;
}

/* By line: a compiler can copy the call in a loop. */
static uint64_t mix_frame(uint64_t hash, const struct frame *frame, ledger_pc pc)
{
    if (!has_line(frame))
        return mix(hash, pc);
    for (const char *at = frame->file; *at; at++)
        hash = mix(hash, (unsigned char)*at);
    return mix(hash, (uint64_t)frame->line);
}

/* Without those of runtimes: the first element of a std::vector<std::thread> is created in another function
 * of libstdc++ than the second. */
static uint64_t callers_of(const struct find_context *context, const struct ledger_site *site)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    uint32_t count = 0;
    const ledger_pc *pcs = ledger_get_frames(context->evidence->ledger, site, &count);
    for (uint32_t i = 0; i < count && i < OPTIONS_DEPTH_MAX; i++) {
        const struct frame_list *list =
            stack_frames(context->evidence->ledger, context->symbolizer, pcs[i], true);
        for (size_t j = 0; j < list->count; j++)
            if (!list->frames[j].runtime)
                hash = mix_frame(hash, &list->frames[j], pcs[i]);
    }
    return hash;
}

/* ---- all sites ---------------------------------------------------------------------- */

static int compare_sites(const void *left, const void *right)
{
    const struct placed_site *a = left, *b = right;
    int order = compare_places(a->at, b->at);
    if (order == 0)
        order = compare_places(a->start, b->start);
    if (order == 0)
        order = compare_numbers(a->callers, b->callers);
    return order ? order : compare_numbers(a->index, b->index);
}

bool placed_sites_make(struct placed_sites *sites, const struct find_context *context, const bool *wanted)
{
    uint32_t records = ledger_site_count(context->evidence->ledger);
    *sites = (struct placed_sites){calloc((size_t)records + 1, sizeof(*sites->items)), 0};
    for (uint32_t i = 0; sites->items && i < records; i++) {
        const struct ledger_site *record = ledger_get_site(context->evidence->ledger, i);
        if (wanted[i])
            sites->items[sites->count++] =
                (struct placed_site){site_place(context, record), site_start(context, record), record, i,
                                     callers_of(context, record)};
    }
    if (sites->count)
        qsort(sites->items, sites->count, sizeof(*sites->items), compare_sites);
    return sites->items != NULL;
}

static bool are_equal(const struct placed_site *a, const struct placed_site *b)
{
    return compare_places(a->start, b->start) == 0 && a->callers == b->callers;
}

size_t placed_sites_end(const struct placed_sites *sites, size_t from, bool exactly)
{
    const struct placed_site *first = &sites->items[from];
    size_t end = from + 1;
    while (end < sites->count && compare_places(first->at, sites->items[end].at) == 0 &&
           (!exactly || are_equal(first, &sites->items[end])))
        end++;
    return end;
}
