#include "leak/sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "leak/creation_stack.h"
#include "stacks/stacks.h"
#include "common/options.h"

/* ---- records ------------------------------------------------------------------------------- */

struct creation_stack creation_stack_of(const struct ledger *ledger, uint32_t index)
{
    struct creation_stack stack = {.site = ledger_get_site(ledger, index)};
    if (!stack.site)
        stack.site = ledger_get_site(ledger, 0);
    if (stack.site)
        stack.frames = ledger_get_frames(ledger, stack.site, &stack.count);
    if (stack.count > OPTIONS_DEPTH_MAX) /* damaged: none is that deep */
        stack.count = OPTIONS_DEPTH_MAX;
    return stack;
}

int creation_stack_compare(const void *left, const void *right)
{
    const struct creation_stack *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return a->count ? memcmp(a->frames, b->frames, a->count * sizeof(*a->frames)) : 0;
}

bool site_records_read(struct site_records *records, const struct ledger *ledger)
{
    size_t count = ledger_site_count(ledger);
    records->count = count ? count : 1; /* no record at all: that of unknown stacks is made up */
    records->items = calloc(records->count, sizeof(*records->items));
    records->by_look = calloc(records->count, sizeof(*records->by_look));
    if (!records->items || !records->by_look)
        return false;
    for (size_t i = 0; i < records->count; i++)
        records->items[i].stack = creation_stack_of(ledger, (uint32_t)i);
    return true;
}

void site_records_release(struct site_records *records)
{
    free(records->items);
    free(records->by_look);
}

size_t site_record_index(const struct site_records *records, uint32_t index)
{
    return index < records->count ? index : 0;
}

/* ---- looks --------------------------------------------------------------------------------- */

/* The looks of stacks down to each of their frames. */
struct beginnings {
    stack_look *items;
    size_t count;
};

static stack_look add_number(stack_look look, uint64_t number)
{
    return stack_hash(look, (const char *)&number, sizeof(number));
}

static stack_look add_text(stack_look look, const char *text)
{
    return stack_hash(look, text ? text : "", text ? strlen(text) : 0);
}

static stack_look add_frame(stack_look look, const struct frame *frame, bool runtime)
{
    bool has_line = frame->file && frame->line > 0;
    look = add_text(add_text(look, frame->module), frame->function);
    if (!frame->function || (!runtime && !has_line))
        return add_number(look, frame->module ? frame->offset : frame->pc);
    return runtime ? look : add_number(add_text(look, frame->file), (uint64_t)frame->line);
}

static bool note_beginning(struct beginnings *beginnings, stack_look look)
{
    if (!ARRAY_GROW(beginnings->items, beginnings->count))
        return false;
    beginnings->items[beginnings->count++] = look;
    return true;
}

static int compare_numbers(const void *left, const void *right)
{
    const stack_look *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static bool is_beginning(const struct beginnings *beginnings, stack_look look)
{
    return bsearch(&look, beginnings->items, beginnings->count, sizeof(look), compare_numbers);
}

struct looker {
    const struct ledger *ledger;
    struct symbolizer *symbolizer;
    struct beginnings beginnings;
    bool collects; /* beginnings, else stops at what is none of them */
    bool failed;   /* out of memory */
};

static bool look_goes_on(struct looker *looker, stack_look look)
{
    if (!looker->collects)
        return is_beginning(&looker->beginnings, look);
    looker->failed |= !note_beginning(&looker->beginnings, look);
    return !looker->failed;
}

/* A look while frames are added to it, leaf first. */
struct looking {
    stack_look whole, shown;
    const struct frame *entry; /* what the user's own first frame called, if that is a runtime's */
    bool own, below;           /* such frames have come: the user's own, libc's start-up */
};

/* False: it looks like none. */
static bool look_at_frame(struct looker *looker, struct looking *looking, const struct frame *frame)
{
    looking->below |= stack_is_start_up(frame);
    bool runtime = looking->below || frame->runtime;
    looking->own |= !runtime;
    if (!looking->own) {
        looking->whole = add_frame(looking->whole, frame, runtime);
        looking->entry = frame;
        return true;
    }
    if (looking->entry)
        looking->shown = add_frame(looking->shown, looking->entry, true);
    looking->entry = NULL;
    looking->shown = add_frame(looking->shown, frame, runtime);
    return look_goes_on(looker, looking->shown);
}

static void look_at(struct looker *looker, struct site_record *record)
{
    struct looking looking = {.whole = STACK_HASH_EMPTY, .shown = STACK_HASH_EMPTY};
    record->looked = true;
    for (uint32_t i = 0; record->looked && i < record->stack.count; i++) {
        const struct frame_list *list =
            stack_frames(looker->ledger, looker->symbolizer, record->stack.frames[i], true);
        for (size_t j = 0; record->looked && j < list->count; j++)
            record->looked = look_at_frame(looker, &looking, &list->frames[j]);
    }
    record->look = looking.own ? looking.shown : looking.whole;
    record->looked = record->looked && look_goes_on(looker, record->look);
}

static int compare_looks(const void *left, const void *right, void *arg)
{
    const struct site_record *items = arg;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    if (items[a].look != items[b].look)
        return items[a].look < items[b].look ? -1 : 1;
    return (a > b) - (a < b);
}

bool site_records_look(struct site_records *records, const struct ledger *ledger,
                       struct symbolizer *symbolizer)
{
    struct looker looker = {.ledger = ledger, .symbolizer = symbolizer, .collects = true};
    struct beginnings *beginnings = &looker.beginnings;
    bool *asked = calloc(records->count, sizeof(*asked));
    for (size_t i = 0; asked && i < records->count && !looker.failed; i++)
        if ((asked[i] = records->items[i].looked))
            look_at(&looker, &records->items[i]);
    if (beginnings->count)
        qsort(beginnings->items, beginnings->count, sizeof(*beginnings->items), compare_numbers);
    looker.collects = false;
    for (size_t i = 0; asked && i < records->count && !looker.failed; i++) {
        if (!asked[i])
            look_at(&looker, &records->items[i]);
        if (records->items[i].looked)
            records->by_look[records->look_count++] = i;
    }
    qsort_r(records->by_look, records->look_count, sizeof(*records->by_look), compare_looks, records->items);
    free(beginnings->items);
    bool done = asked && !looker.failed;
    free(asked);
    return done;
}

size_t site_records_first(const struct site_records *records, stack_look look)
{
    size_t first = SEARCH_FIRST(i, records->look_count, records->items[records->by_look[i]].look >= look);
    bool found = first < records->look_count && records->items[records->by_look[first]].look == look;
    return found ? first : records->look_count;
}
