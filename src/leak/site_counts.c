#include "leak/site_counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "leak/fingerprint.h"
#include "leak/sites.h"
#include "stacks/stacks.h"

const char *fail_error_name(enum ledger_fail error)
{
#define FAIL_NAME(id, name) [FAIL_##id] = name,
    static const char *const names[FAIL_KINDS] = {FAIL_ERRORS(FAIL_NAME)};
#undef FAIL_NAME
    return names[error];
}

/* ---- the sites that are known ---------------------------------------------------------------- */

struct known_site {
    stack_key key;
    struct leak_group *place;
    char detached_fingerprint[17]; /* the place has the other one */
};

struct site_table {
    struct symbolizer *symbolizer;
    struct known_site *sites;
    size_t count;
    /* Index in `sites`, by index in the ledger, whose sites are never reused; or by that of a start routine.
     */
    size_t *site_of;
    size_t records;
};

struct site_table *site_table_new(struct symbolizer *symbolizer)
{
    struct site_table *table = calloc(1, sizeof(*table));
    if (table)
        table->symbolizer = symbolizer;
    return table;
}

static void free_place(struct leak_group *place)
{
    if (place)
        leak_group_release(place);
    free(place);
}

void site_table_free(struct site_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free_place(table->sites[i].place);
    free(table->sites);
    free(table->site_of);
    free(table);
}

size_t site_table_find(const struct site_table *table, uint32_t site)
{
    return site < table->records ? table->site_of[site] : SIZE_MAX;
}

static void set_fingerprints(struct known_site *site)
{
    site->place->kind = LEAK_DETACHED;
    group_set_fingerprints(site->place);
    memcpy(site->detached_fingerprint, site->place->fingerprint, sizeof(site->detached_fingerprint));
    site->place->kind = LEAK_RUNNING;
    group_set_fingerprints(site->place);
}

/* Takes over the place, also if it fails. */
static bool add_site(struct site_table *table, struct leak_group *place, stack_key key)
{
    if (!place || !ARRAY_GROW(table->sites, table->count)) {
        free_place(place);
        return false;
    }
    struct known_site *site = &table->sites[table->count++];
    *site = (struct known_site){.key = key, .place = place};
    set_fingerprints(site);
    return true;
}

static struct leak_group *make_place(const struct site_table *table, const struct ledger *ledger,
                                     const struct creation_stack *stack, const struct frame *start)
{
    struct leak_group *place = calloc(1, sizeof(*place));
    if (!place || !stack_build(ledger, table->symbolizer, stack->frames, stack->count, place)) {
        free_place(place);
        return NULL;
    }
    place->start_routine = start;
    return place;
}

/* Programs have few distinct sites, and each record is searched once. */
static size_t find_site(const struct site_table *table, stack_key key)
{
    size_t i = 0;
    while (i < table->count && table->sites[i].key != key)
        i++;
    return i;
}

static bool add_record(struct site_table *table, const struct ledger *ledger, uint32_t index)
{
    const struct creation_stack stack = creation_stack_of(ledger, index);
    const struct frame *start =
        stack.site ? stack_function(ledger, table->symbolizer, stack.site->start_pc) : NULL;
    stack_key key = stack_key_with_start(creation_stack_key(&stack, ledger, table->symbolizer), start);
    size_t site = find_site(table, key);
    if (!ARRAY_GROW(table->site_of, table->records) ||
        (site == table->count && !add_site(table, make_place(table, ledger, &stack, start), key)))
        return false;
    bool cut = !stack.site || !stack.count || stack.site->flags & (SITE_TRUNCATED | SITE_NO_UNWINDER);
    table->sites[site].place->truncated |= cut;
    table->site_of[table->records++] = site;
    return true;
}

/* Index 0 is the site of threads whose place is not known, also in a ledger without any record. */
static bool add_new_records(struct site_table *table, const struct ledger *ledger)
{
    size_t count = ledger_site_count(ledger) ? ledger_site_count(ledger) : 1;
    while (table->records < count)
        if (!add_record(table, ledger, (uint32_t)table->records))
            return false;
    return true;
}

/* ---- counting ----------------------------------------------------------------------------------- */

static void add_counters(struct site_threads *counts, const struct ledger_site *site)
{
    counts->created += site->created;
    counts->joined += site->joined;
    counts->detached += site->detached;
    counts->ended += site->ended_joinable + site->ended_detached;
    for (int error = 0; error < FAIL_KINDS; error++)
        counts->failed[error] += site->failed[error];
}

static double seconds_since(uint64_t now_ns, uint64_t then)
{
    if (!now_ns || !then)
        return -1;
    return then > now_ns ? 0 : (double)(now_ns - then) / 1e9;
}

static void keep_largest(double *largest, double value)
{
    if (value > *largest)
        *largest = value;
}

static void count_thread(struct site_count *item, const struct ledger_slot *slot, uint64_t now_ns)
{
    unsigned kind = ledger_slot_kind(slot->state);
    item->threads.joinable += kind == KIND_RUNNING;
    item->threads.alive_detached += kind == KIND_DETACHED;
    item->threads.unjoined += kind == KIND_UNJOINED;
    if (kind == KIND_UNJOINED)
        keep_largest(&item->oldest_unjoined_s, seconds_since(now_ns, slot->ended_ns));
    else if (kind)
        keep_largest(&item->oldest_s, seconds_since(now_ns, slot->created_ns));
}

static void add_total(struct site_counts *counts, const struct site_count *item)
{
    struct site_threads *total = &counts->total;
    total->created += item->threads.created;
    total->joined += item->threads.joined;
    total->detached += item->threads.detached;
    total->ended += item->threads.ended;
    for (int error = 0; error < FAIL_KINDS; error++)
        total->failed[error] += item->threads.failed[error];
    total->joinable += item->threads.joinable;
    total->alive_detached += item->threads.alive_detached;
    total->unjoined += item->threads.unjoined;
    total->untracked += item->threads.untracked;
    keep_largest(&counts->oldest_s, item->oldest_s);
}

static void set_site(struct site_count *item, const struct known_site *site)
{
    bool detached = item->threads.detached * 2 > item->threads.created;
    item->place = site->place;
    memcpy(item->fingerprint, detached ? site->detached_fingerprint : site->place->fingerprint,
           sizeof(item->fingerprint));
}

bool site_count_is_used(const struct site_count *item)
{
    const struct site_threads *threads = &item->threads;
    uint64_t sum = threads->created + threads->joinable + threads->alive_detached + threads->unjoined +
                   threads->untracked;
    for (int error = 0; error < FAIL_KINDS; error++)
        sum += threads->failed[error];
    return sum != 0;
}

static bool begin(struct site_counts *counts, const struct site_table *table)
{
    *counts = (struct site_counts){.oldest_s = -1};
    counts->items = calloc(table->count + 1, sizeof(*counts->items));
    if (!counts->items)
        return false;
    counts->count = table->count;
    for (size_t i = 0; i < counts->count; i++)
        counts->items[i].oldest_s = counts->items[i].oldest_unjoined_s = -1;
    return true;
}

static void finish(struct site_counts *counts, const struct site_table *table)
{
    for (size_t i = 0; i < counts->count; i++) {
        set_site(&counts->items[i], &table->sites[i]);
        add_total(counts, &counts->items[i]);
    }
}

bool site_counts_read(struct site_counts *counts, struct site_table *table, const struct ledger *ledger,
                      const struct thread_index *threads, uint64_t now_ns)
{
    if (!add_new_records(table, ledger) || !begin(counts, table))
        return false;
    counts->watched = true;
    for (uint32_t i = 0; i < ledger_site_count(ledger); i++)
        add_counters(&counts->items[table->site_of[i]].threads, ledger_get_site(ledger, i));
    for (size_t i = 0; i < threads->count; i++) {
        const struct ledger_slot *slot = &threads->slots[i];
        uint32_t record = slot->site < ledger_site_count(ledger) ? slot->site : 0;
        count_thread(&counts->items[table->site_of[record]], slot, now_ns);
    }
    finish(counts, table);
    return true;
}

/* ---- a process that is not watched ------------------------------------------------------------ */

static bool add_routine(struct site_table *table, const struct started_routine *routine)
{
    struct leak_group *place = calloc(1, sizeof(*place));
    if (!ARRAY_GROW(table->site_of, table->records)) {
        free(place);
        return false;
    }
    if (place && routine->address) {
        const struct frame_list *list = symbolize(table->symbolizer, &routine->place);
        place->start_routine = &list->frames[list->count - 1];
    }
    if (place)
        place->truncated = true;
    table->site_of[table->records++] = table->count;
    return add_site(table, place, routine->address);
}

static bool count_routines(struct site_counts *counts, struct site_table *table, const struct sample *sample)
{
    size_t count;
    const struct started_routine *routines = started_routines(sample->started, &count);
    while (table->records < count)
        if (!add_routine(table, &routines[table->records]))
            return false;
    if (!begin(counts, table))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct site_count *item = &counts->items[table->site_of[i]];
        uint64_t began = routines[i].oldest_ticks;
        item->threads.untracked = routines[i].alive;
        if (began)
            item->oldest_s = began < sample->now_ticks
                                 ? (double)(sample->now_ticks - began) / (double)sample->ticks_per_s
                                 : 0;
    }
    finish(counts, table);
    return true;
}

/* One is the main thread. Threads may have been created between the two readings. */
static uint64_t count_untracked(const struct site_threads *total, uint64_t tasks)
{
    uint64_t tracked = 1 + total->joinable + total->alive_detached;
    return tasks > tracked ? tasks - tracked : 0;
}

bool site_counts_of_sample(struct site_counts *counts, struct site_table *table, const struct sample *sample)
{
    if (!sample->ledger)
        return count_routines(counts, table, sample);
    if (!site_counts_read(counts, table, sample->ledger, &sample->threads, sample->now_ns))
        return false;
    counts->total.untracked = count_untracked(&counts->total, sample->tasks);
    return true;
}

void site_counts_release(struct site_counts *counts)
{
    free(counts->items);
    *counts = (struct site_counts){.items = NULL};
}
