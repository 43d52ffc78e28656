#include "leak/sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"
#include "base/search.h"
#include "common/options.h"
#include "leak/hash.h"
#include "stacks/stacks.h"

/* ---- records ------------------------------------------------------------------------------- */

struct creation_stack creation_stack_of(const struct ledger *ledger, uint32_t index)
{
    struct creation_stack stack = {.site = ledger_get_site(ledger, index)};
    if (!stack.site)
        stack.site = ledger_get_site(ledger, 0);
    if (stack.site)
        stack.frames = ledger_get_frames(ledger, stack.site, &stack.count);
    if (stack.count > OPTIONS_DEPTH_MAX) /* a larger count is damaged: no stack is that deep */
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
    records->count = count ? count : 1; /* without any record, the one of unknown stacks is made up */
    records->items = calloc(records->count, sizeof(*records->items));
    records->by_key = calloc(records->count, sizeof(*records->by_key));
    if (!records->items || !records->by_key)
        return false;
    for (size_t i = 0; i < records->count; i++)
        records->items[i].stack = creation_stack_of(ledger, (uint32_t)i);
    return true;
}

void site_records_release(struct site_records *records)
{
    free(records->items);
    free(records->by_key);
}

size_t site_record_index(const struct site_records *records, uint32_t index)
{
    return index < records->count ? index : 0;
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* The keys of stacks after each of their frames. */
struct prefixes {
    stack_key *items;
    size_t count;
};

static stack_key add_number(stack_key key, uint64_t number)
{
    return hash_add(key, (const char *)&number, sizeof(number));
}

static stack_key add_text(stack_key key, const char *text)
{
    return hash_add(key, text ? text : "", text ? strlen(text) : 0);
}

static stack_key add_frame(stack_key key, const struct frame *frame, bool runtime)
{
    bool has_line = frame->file && frame->line > 0;
    key = add_text(add_text(key, frame->module), frame->function);
    if (!frame->function || (!runtime && !has_line))
        return add_number(key, frame->module ? frame->offset : frame->pc);
    return runtime ? key : add_number(add_text(key, frame->file), (uint64_t)frame->line);
}

stack_key stack_key_with_start(stack_key key, const struct frame *start)
{
    return start ? add_frame(key, start, true) : key;
}

static bool add_prefix(struct prefixes *prefixes, stack_key key)
{
    if (!ARRAY_GROW(prefixes->items, prefixes->count))
        return false;
    prefixes->items[prefixes->count++] = key;
    return true;
}

static int compare_numbers(const void *left, const void *right)
{
    const stack_key *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static bool is_prefix(const struct prefixes *prefixes, stack_key key)
{
    return bsearch(&key, prefixes->items, prefixes->count, sizeof(key), compare_numbers);
}

struct key_finder {
    const struct ledger *ledger;
    struct symbolizer *symbolizer;
    struct prefixes prefixes;
    bool collects; /* false: it stops at the first unknown prefix */
    bool ignores;  /* it neither collects nor compares prefixes */
    bool failed;   /* out of memory */
};

static bool goes_on(struct key_finder *finder, stack_key key)
{
    if (finder->ignores)
        return true;
    if (!finder->collects)
        return is_prefix(&finder->prefixes, key);
    finder->failed |= !add_prefix(&finder->prefixes, key);
    return !finder->failed;
}

/* State while frames are added to a key, leaf first. */
struct key_so_far {
    stack_key whole, shown;
    const struct frame *entry; /* the runtime's frame that the first user frame called */
    bool user, start_up;       /* a user frame has been added, one of libc's start-up */
};

/* False: no stack with threads begins in the same way. */
static bool add_to_key(struct key_finder *finder, struct key_so_far *so_far, const struct frame *frame)
{
    so_far->start_up |= stack_is_start_up(frame);
    bool runtime = so_far->start_up || frame->runtime;
    so_far->user |= !runtime;
    if (!so_far->user) {
        so_far->whole = add_frame(so_far->whole, frame, runtime);
        so_far->entry = frame;
        return true;
    }
    if (so_far->entry)
        so_far->shown = add_frame(so_far->shown, so_far->entry, true);
    so_far->entry = NULL;
    so_far->shown = add_frame(so_far->shown, frame, runtime);
    return goes_on(finder, so_far->shown);
}

static void find_key(struct key_finder *finder, struct site_record *record)
{
    struct key_so_far so_far = {.whole = HASH_EMPTY, .shown = HASH_EMPTY};
    record->has_key = true;
    for (uint32_t i = 0; record->has_key && i < record->stack.count; i++) {
        const struct frame_list *list =
            stack_frames(finder->ledger, finder->symbolizer, record->stack.frames[i], true);
        for (size_t j = 0; record->has_key && j < list->count; j++)
            record->has_key = add_to_key(finder, &so_far, &list->frames[j]);
    }
    record->key = so_far.user ? so_far.shown : so_far.whole;
    record->has_key = record->has_key && goes_on(finder, record->key);
}

stack_key creation_stack_key(const struct creation_stack *stack, const struct ledger *ledger,
                             struct symbolizer *symbolizer)
{
    struct key_finder finder = {.ledger = ledger, .symbolizer = symbolizer, .ignores = true};
    struct site_record record = {.stack = *stack};
    find_key(&finder, &record);
    return record.key;
}

static int compare_keys(const void *left, const void *right, void *arg)
{
    const struct site_record *items = arg;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    if (items[a].key != items[b].key)
        return items[a].key < items[b].key ? -1 : 1;
    return (a > b) - (a < b);
}

bool site_records_find_keys(struct site_records *records, const struct ledger *ledger,
                            struct symbolizer *symbolizer)
{
    struct key_finder finder = {.ledger = ledger, .symbolizer = symbolizer, .collects = true};
    struct prefixes *prefixes = &finder.prefixes;
    bool *asked = calloc(records->count, sizeof(*asked));
    for (size_t i = 0; asked && i < records->count && !finder.failed; i++)
        if ((asked[i] = records->items[i].has_key))
            find_key(&finder, &records->items[i]);
    if (prefixes->count)
        qsort(prefixes->items, prefixes->count, sizeof(*prefixes->items), compare_numbers);
    finder.collects = false;
    for (size_t i = 0; asked && i < records->count && !finder.failed; i++) {
        if (!asked[i])
            find_key(&finder, &records->items[i]);
        if (records->items[i].has_key)
            records->by_key[records->key_count++] = i;
    }
    qsort_r(records->by_key, records->key_count, sizeof(*records->by_key), compare_keys, records->items);
    free(prefixes->items);
    bool done = asked && !finder.failed;
    free(asked);
    return done;
}

size_t site_records_first(const struct site_records *records, stack_key key)
{
    size_t first = SEARCH_FIRST(i, records->key_count, records->items[records->by_key[i]].key >= key);
    bool found = first < records->key_count && records->items[records->by_key[first]].key == key;
    return found ? first : records->key_count;
}

bool stack_build(const struct ledger *ledger, struct symbolizer *symbolizer, const ledger_pc *frames,
                 uint32_t count, struct leak_group *group)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct frame_list *list = stack_frames(ledger, symbolizer, frames[i], true);
        if (!frames_append(&group->stack, &group->stack_count, list))
            return false;
    }
    stack_mark_start_up(group->stack, group->stack_count);
    group->user_frame = innermost_user_frame(group->stack, group->stack_count);
    return true;
}
