/* Joinable threads whose handle is stored nowhere (reach/reach.h). */
#include <stdlib.h>
#include <string.h>

#include "find/site.h"

enum { THREADS_SHOWN = 4 };

/* Its descriptor may be that of a newer thread, whose handle is the same. */
static const struct kept_handle *handle_of(const struct find_context *context, const struct ledger_slot *slot)
{
    unsigned kind = ledger_slot_kind(slot->state);
    const struct kept_handle *handle = NULL;
    if ((kind == KIND_RUNNING || kind == KIND_UNJOINED) &&
        !(slot->state & (SLOT_JOINING | SLOT_IGNORED | SLOT_EXITING)))
        handle = stacks_find_kept(context->stacks, slot->handle);
    return handle && thread_index_find_handle(&context->evidence->threads, slot->handle) == slot ? handle
                                                                                                 : NULL;
}

static enum finding_level level_of(const struct ledger_slot *slot, const struct kept_handle *handle)
{
    return slot->state & SLOT_ENDED && !handle->caveats ? FINDING_PROVED : FINDING_LIKELY;
}

/* Main had it, perhaps: its variables are gone only because the process ends. */
static bool is_excused(const struct find_context *context, const struct ledger_slot *slot)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, slot->site);
    const struct frame *at = site && context->stacks->main_is_over ? site_place(context, site) : NULL;
    return at && at->function && strcmp(at->function, "main") == 0;
}

/* ---- a finding: threads of one record of the ledger, with one level -------------------------------- */

struct lost {
    const struct ledger_slot *slot;
    const struct kept_handle *handle;
    enum finding_level level;
};

static int compare(const void *left, const void *right)
{
    const struct lost *a = left, *b = right;
    if (a->slot->site != b->slot->site)
        return a->slot->site < b->slot->site ? -1 : 1;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    return (a->slot->serial > b->slot->serial) - (a->slot->serial < b->slot->serial);
}

static void add_text(struct line *text, const struct lost *lost, size_t count)
{
    size_t shown = count <= THREADS_SHOWN ? count : THREADS_SHOWN - 1;
    line_add(text, count == 1 ? "the handle of " : "the handles of ");
    for (size_t i = 0; i < shown; i++)
        line_add(text, "%sT%llu",
                 i == 0           ? ""
                 : i + 1 == count ? " and "
                                  : ", ",
                 (unsigned long long)lost[i].slot->serial);
    if (count > shown)
        line_add(text, " and %zu others", count - shown);
    line_add(text, " %s stored nowhere, so no other thread can join or detach %s", count == 1 ? "is" : "are",
             count == 1 ? "it" : "them");
}

static char *assumptions(const struct finding *finding, uint32_t caveats, bool alive)
{
    struct line line = {.length = 0};
    line_add(&line, "the handle was not given to another process, a driver or a file; "
                    "it is not stored as an offset, an index or a hash");
    if (alive)
        line_add(&line, "; only likely: the thread is alive, and can detach itself");
    for (int i = 0; i < REACH_CAVEATS && finding->level != FINDING_PROVED; i++)
        if (caveats >> i & 1)
            line_add(&line, "; only likely: %s", reach_caveat_text((enum reach_caveat)i));
    return line_copy(&line);
}

static bool add(struct find_context *context, const struct lost *lost, size_t count)
{
    const struct ledger_site *site = ledger_get_site(context->evidence->ledger, lost[0].slot->site);
    struct line text = {.length = 0}, created = {.length = 0};
    add_text(&text, lost, count);
    struct finding *finding = finding_add(context, FINDING_LOST_HANDLE, lost[0].level, &text);
    for (size_t i = 0; finding && i < count; i++)
        if (!finding_add_slot(finding, lost[i].slot))
            return false;
    if (!finding || !finding_add_fact(finding, &text, NULL))
        return false;
    line_add(&created, count == 1 ? "it was created" : "they were created");
    finding->assumed = assumptions(finding, lost[0].handle->caveats, !(lost[0].slot->state & SLOT_ENDED));
    return finding->assumed && (!site || finding_add_creation(finding, &created, site_place(context, site)));
}

static bool add_all(struct find_context *context, struct lost *lost, size_t count)
{
    if (count)
        qsort(lost, count, sizeof(*lost), compare);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1;
             end < count && lost[end].slot->site == lost[i].slot->site && lost[end].level == lost[i].level;)
            end++;
        if (!is_excused(context, lost[i].slot) && !add(context, &lost[i], end - i))
            return false;
    }
    return true;
}

bool find_lost_handle(struct find_context *context)
{
    const struct thread_index *index = &context->evidence->threads;
    struct lost *lost = context->stacks->handle_count ? calloc(index->count + 1, sizeof(*lost)) : NULL;
    size_t count = 0;
    if (!context->stacks->handle_count)
        return true;
    for (size_t i = 0; lost && i < index->count; i++) {
        const struct ledger_slot *slot = &index->slots[i];
        const struct kept_handle *handle = handle_of(context, slot);
        if (handle && handle->lost)
            lost[count++] = (struct lost){slot, handle, level_of(slot, handle)};
    }
    bool done = lost && add_all(context, lost, count);
    free(lost);
    return done;
}
