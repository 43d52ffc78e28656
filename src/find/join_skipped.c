/* Threads that were not joined, though others of their creation site were. */
#include <stdlib.h>

#include "base/search.h"
#include "find/site.h"

#define MAX_PLACES_SHOWN 4
#define MAX_THREADS_SHOWN 8

/* The records of one place, start routine and callers: of all threads that a helper creates, some can be
 * joined in one part of the program, and none in another. */
struct joined_site {
    const struct frame *at; /* NULL: unknown */
    uint64_t created, joined;
    struct join_places places;
    const struct ledger_slot **skipped; /* in the array of all */
    size_t skipped_count;
};

/* In a live process a thread that runs may be joined later, as the others were. */
static bool is_skipped(const struct find_context *context, const struct ledger_slot *slot)
{
    unsigned kind = ledger_slot_kind(slot->state);
    if (slot->state & (SLOT_IGNORED | SLOT_EXITING) ||
        slot->serial == ledger_get_header(context->evidence->ledger)->end_serial)
        return false;
    return kind == KIND_UNJOINED || (kind == KIND_RUNNING && !context->evidence->end.alive);
}

static int by_serial(const void *left, const void *right)
{
    const struct ledger_slot *a = *(const struct ledger_slot *const *)left;
    const struct ledger_slot *b = *(const struct ledger_slot *const *)right;
    return (a->serial > b->serial) - (a->serial < b->serial);
}

/* "147 of 150 threads of this site were joined at pool.c:88; T4, T7 and T9 were not" */
static void add_text(struct line *line, const struct find_context *context, const struct joined_site *site)
{
    const struct join_place *most = join_places_most(&site->places);
    size_t shown = site->skipped_count < MAX_THREADS_SHOWN ? site->skipped_count : MAX_THREADS_SHOWN;
    line_add(line, "%llu of %llu threads that ", (unsigned long long)site->joined,
             (unsigned long long)site->created);
    add_place(line, site->at);
    line_add(line, " created %s joined", site->joined == 1 ? "was" : "were");
    if (most && most->count < site->joined)
        line_add(line, ", %llu of them", (unsigned long long)most->count);
    if (most) {
        line_add(line, " at ");
        add_place(line, call_place(context, most->pc));
    }
    line_add(line, "; ");
    for (size_t i = 0; i < shown; i++)
        line_add(line, "%sT%llu", i ? ", " : "", (unsigned long long)site->skipped[i]->serial);
    if (site->skipped_count > shown)
        line_add(line, " and %zu more", site->skipped_count - shown);
    line_add(line, " %s not", site->skipped_count == 1 ? "was" : "were");
}

static bool add_places(struct finding *finding, const struct find_context *context,
                       const struct joined_site *site)
{
    for (size_t i = 0; i < site->places.count && i < MAX_PLACES_SHOWN; i++) {
        struct line fact = {.length = 0};
        uint64_t count = site->places.items[i].count;
        line_add(&fact, "%llu thread%s joined", (unsigned long long)count, count == 1 ? " was" : "s were");
        if (!finding_add_fact(finding, &fact, call_place(context, site->places.items[i].pc)))
            return false;
    }
    struct line fact = {.length = 0};
    line_add(&fact, "%llu thread%s created", (unsigned long long)site->created,
             site->created == 1 ? " was" : "s were");
    return finding_add_fact(finding, &fact, site->at);
}

static bool add_site(struct find_context *context, struct joined_site *site)
{
    struct line text = {.length = 0};
    qsort(site->skipped, site->skipped_count, sizeof(*site->skipped), by_serial);
    add_text(&text, context, site);
    enum finding_level level = context->evidence->end.alive ? FINDING_NOTE : FINDING_LIKELY;
    struct finding *finding = finding_add(context, FINDING_JOIN_SKIPPED, level, &text);
    for (size_t i = 0; finding && i < site->skipped_count; i++)
        if (!finding_add_slot(finding, site->skipped[i]))
            return false;
    return finding && add_places(finding, context, site);
}

/* All skipped threads, by the index of their site. */
struct skipped {
    const struct ledger_slot **items, **room; /* room: for as many */
    size_t count;
};

static void collect(struct joined_site *site, const struct skipped *all, uint32_t index)
{
    size_t at = SEARCH_FIRST(i, all->count, all->items[i]->site >= index);
    while (at < all->count && all->items[at]->site == index)
        site->skipped[site->skipped_count++] = all->items[at++];
}

static bool judge(struct find_context *context, const struct placed_site *first, size_t count,
                  const bool *joining, const struct skipped *skipped)
{
    struct joined_site site = {.at = first[0].at, .skipped = skipped->room};
    for (size_t i = 0; i < count; i++) {
        site.created += first[i].record->created;
        site.joined += first[i].record->joined;
        join_places_add(&site.places, first[i].record);
        collect(&site, skipped, first[i].index);
        if (joining[first[i].index])
            return true;
    }
    return !site.joined || !site.skipped_count || add_site(context, &site);
}

static int by_site(const void *left, const void *right)
{
    const struct ledger_slot *a = *(const struct ledger_slot *const *)left;
    const struct ledger_slot *b = *(const struct ledger_slot *const *)right;
    return (a->site > b->site) - (a->site < b->site);
}

/* joining: of each record, is a join of one of its threads under way? */
static void read_threads(const struct find_context *context, struct skipped *skipped, bool *joining,
                         uint32_t records)
{
    const struct thread_index *index = &context->evidence->threads;
    for (size_t i = 0; i < index->count; i++) {
        const struct ledger_slot *slot = &index->slots[i];
        if (slot->site >= records)
            continue;
        joining[slot->site] |= (slot->state & (SLOT_JOINING | SLOT_JOINED)) == SLOT_JOINING;
        if (is_skipped(context, slot))
            skipped->items[skipped->count++] = slot;
    }
    if (skipped->count)
        qsort(skipped->items, skipped->count, sizeof(*skipped->items), by_site);
}

/* Wants the sites that have threads of any kind. The site with index 0 is many unknown places. */
static bool want_sites(const struct find_context *context, const struct skipped *skipped, const bool *joining,
                       bool *wanted, uint32_t records)
{
    bool joined = false;
    for (size_t i = 0; i < skipped->count; i++)
        wanted[skipped->items[i]->site] = true;
    for (uint32_t i = 1; i < records; i++) {
        wanted[i] |= joining[i];
        if (ledger_get_site(context->evidence->ledger, i)->joined)
            joined = wanted[i] = true;
    }
    wanted[0] = false;
    return joined && skipped->count;
}

static bool are_alike(const struct placed_site *a, const struct placed_site *b)
{
    return compare_places(a->at, b->at) == 0 && compare_places(a->start, b->start) == 0;
}

/* One loop can join threads that several callers of a function created, by turns. */
static void spread_joins(const struct placed_sites *sites, bool *joining)
{
    for (size_t i = 0, end; i < sites->count; i = end) {
        bool any = false;
        for (end = i; end < sites->count && are_alike(&sites->items[i], &sites->items[end]); end++)
            any |= joining[sites->items[end].index];
        for (size_t j = i; j < end; j++)
            joining[sites->items[j].index] = any;
    }
}

static bool judge_all(struct find_context *context, const bool *wanted, bool *joining,
                      const struct skipped *skipped)
{
    struct placed_sites sites;
    bool done = placed_sites_make(&sites, context, wanted);
    spread_joins(&sites, joining);
    for (size_t i = 0, end; done && i < sites.count; i = end) {
        end = placed_sites_end(&sites, i, true);
        done = judge(context, &sites.items[i], end - i, joining, skipped);
    }
    free(sites.items);
    return done;
}

bool find_join_skipped(struct find_context *context)
{
    const struct ledger *ledger = context->evidence->ledger;
    size_t threads = context->evidence->threads.count + 1;
    uint32_t records = ledger ? ledger_site_count(ledger) : 0;
    bool *wanted = calloc((size_t)records + 1, sizeof(*wanted));
    bool *joining = calloc((size_t)records + 1, sizeof(*joining));
    struct skipped skipped = {.items = calloc(threads, sizeof(*skipped.items)),
                              .room = calloc(threads, sizeof(*skipped.room))};
    bool done = wanted && joining && skipped.items && skipped.room;
    if (done && records) {
        read_threads(context, &skipped, joining, records);
        if (want_sites(context, &skipped, joining, wanted, records))
            done = judge_all(context, wanted, joining, &skipped);
    }
    free(wanted);
    free(joining);
    free(skipped.items);
    free(skipped.room);
    return done;
}
