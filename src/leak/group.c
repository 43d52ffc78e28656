/* Threads that may be leaks, grouped by kind, creation site and the rule that suppresses them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "suppress/suppress.h"
#include "leak/fingerprint.h"
#include "leak/process_build.h"
#include "leak/sites.h"
#include "stacks/stacks.h"
#include "leak/test_of.h"

/* ---- candidates ------------------------------------------------------------------------- */

static bool kind_of(const struct build *build, const struct ledger_slot *slot, enum leak_kind *kind)
{
    /* A thread that runs exit() is never a leak. */
    if (build->header->end != LEDGER_END_NONE &&
        (slot->serial == build->header->end_serial || slot->state & SLOT_EXITING))
        return false;
    unsigned bits = ledger_slot_kind(slot->state);
    *kind = bits == KIND_UNJOINED ? LEAK_UNJOINED : bits == KIND_DETACHED ? LEAK_DETACHED : LEAK_RUNNING;
    return bits != 0;
}

/* ---- the threads ------------------------------------------------------------------------ */

static double seconds_since(const struct build *build, uint64_t then)
{
    if (!build->evidence->now_ns || !then)
        return -1;
    return then > build->evidence->now_ns ? 0 : (double)(build->evidence->now_ns - then) / 1e9;
}

void build_copy_name(char name[16], const struct ledger_slot *slot)
{
    if (slot->name_seq & 1 || !slot->name_seq)
        return;
    uint64_t words[2] = {slot->name[0], slot->name[1]};
    memcpy(name, words, sizeof(words) - 1);
}

/* The state of the thread, now or when the process ended. */
static void add_current(const struct build *build, const struct ledger_slot *slot, struct thread_info *thread)
{
    const struct task *task = task_list_find(&build->evidence->tasks, thread->tid);
    thread->current = build->process.core ? stacks_find_handle(build->process.stacks, slot->handle) : NULL;
    if (!thread->current)
        thread->current = stacks_find(build->process.stacks, thread->tid);
    if (task) {
        build_add_task(build, task, thread);
    } else if (slot->sample_state < 128 && isalpha((int)slot->sample_state)) {
        thread->state = (char)slot->sample_state;
        thread->cpu_s = (double)slot->sample_cpu_ns / 1e9;
    }
}

static struct thread_info describe(const struct build *build, const struct candidate *item)
{
    const struct ledger_slot *slot = item->slot;
    struct thread_info thread = {
        .id = slot->serial,
        .tid = slot->tid,
        .created_by = slot->created_by,
        .age_s = seconds_since(build, slot->created_ns),
        .ended_s = item->kind == LEAK_UNJOINED ? seconds_since(build, slot->ended_ns) : -1,
        .cpu_s = -1,
        .being_joined = slot->state & SLOT_JOINING,
    };
    build_copy_name(thread.name, slot);
    if (item->kind != LEAK_DETACHED && !thread.being_joined)
        thread.handle = stacks_find_kept(build->process.stacks, slot->handle);
    thread.fault = fault_name(slot->fault_signal);
    if (thread.fault)
        thread.fault_at = stack_function(build->evidence->ledger, build->rules->symbolizer, slot->fault_pc);
    if (item->kind != LEAK_UNJOINED)
        add_current(build, slot, &thread);
    return thread;
}

/* A check by the program itself covers new threads, without the caller. A thread that an older test leaked
 * may have created some of them. */
static bool is_left_out(const struct build *build, const struct ledger_slot *slot)
{
    const struct verdict_rules *rules = build->rules;
    const struct ledger_test *test = ledger_get_test(build->evidence->ledger, slot->test);
    return rules->check && (slot->serial <= rules->since || slot->serial == rules->caller ||
                            (test && test->began <= rules->since));
}

/* ---- all of them ------------------------------------------------------------------------ */

static struct candidate *list_candidates(struct build *build, size_t *count)
{
    const struct thread_index *threads = &build->evidence->threads;
    struct candidate *list = calloc(threads->count + 1, sizeof(*list));
    *count = 0;
    for (size_t i = 0; list && i < threads->count; i++) {
        struct candidate *item = &list[*count];
        item->slot = &threads->slots[i];
        build->process.counts.released += (item->slot->state & SLOT_RELEASED) != 0;
        if (!kind_of(build, item->slot, &item->kind))
            continue;
        item->stack = creation_stack_of(build->evidence->ledger, item->slot->site);
        item->thread = describe(build, item);
        build->process.counts.alive += item->kind != LEAK_UNJOINED;
        build->process.counts.unjoined += item->kind == LEAK_UNJOINED;
        *count += !is_left_out(build, item->slot);
    }
    return list;
}

/* The reason why the program ignores it, as an index of strings; 0: it does not. UINT32_MAX, which is no
 * index: without a reason. */
static uint32_t reason_of(const struct candidate *item)
{
    if (!(item->slot->state & SLOT_IGNORED))
        return 0;
    return item->slot->reason ? item->slot->reason : UINT32_MAX;
}

/* The key of the groups of one site. */
static int compare_groupings(const struct candidate *a, const struct candidate *b)
{
    if (a->kind != b->kind)
        return (int)a->kind - (int)b->kind;
    if (reason_of(a) != reason_of(b))
        return reason_of(a) < reason_of(b) ? -1 : 1;
    return (a->rule > b->rule) - (a->rule < b->rule);
}

static int compare_candidates(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    int order = compare_groupings(a, b);
    if (order)
        return order;
    return (a->slot->serial > b->slot->serial) - (a->slot->serial < b->slot->serial);
}

/* ---- one group ----------------------------------------------------------------------------- */

static const struct frame *start_of(const struct build *build, ledger_pc pc)
{
    return stack_function(build->evidence->ledger, build->rules->symbolizer, pc);
}

static stack_key key_of_site(const struct build *build, const struct site_record *record)
{
    return stack_key_with_start(record->key, start_of(build, record->stack.site->start_pc));
}

/* Sums all records of the site of this thread. */
static void sum_sites(const struct build *build, const struct site_records *records,
                      const struct candidate *item, struct leak_group *group)
{
    stack_key key = records->items[item->record].key;
    struct join_places places = {.count = 0};
    group->truncated = group->stack_count == 0;
    for (size_t i = site_records_first(records, key); i < records->key_count; i++) {
        const struct site_record *record = &records->items[records->by_key[i]];
        const struct ledger_site *site = record->stack.site;
        if (record->key != key)
            break;
        group->truncated |= site && (site->flags & (SITE_TRUNCATED | SITE_NO_UNWINDER));
        if (!site || key_of_site(build, record) != item->key)
            continue;
        group->site_created += site->created;
        group->site_joined += site->joined;
        join_places_add(&places, site);
    }
    const struct join_place *most = join_places_most(&places);
    if (!most)
        return;
    group->joined_at = stack_call(build->evidence->ledger, build->rules->symbolizer, most->pc);
    group->joined_there = most->count;
}

/* threadleak_ignore_thread() has priority over all rules. */
static bool take_reason(const struct build *build, const struct candidate *item, struct leak_group *group)
{
    const char *reason = ledger_get_string(build->evidence->ledger, item->slot->reason);
    group->rule = NULL;
    return asprintf(&group->ignored, "program: %s", *reason ? reason : "ignored") >= 0;
}

static bool are_listed(const struct candidate *items, size_t count)
{
    size_t listed = 0;
    while (listed < count && items[listed].slot->state & SLOT_LISTED)
        listed++;
    return listed == count;
}

static bool is_same_test(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The program names the test, or the stack shows it. */
static bool set_tests(const struct build *build, const struct candidate *items, struct leak_group *group)
{
    char *shown = test_of_stack(group->stack, group->stack_count);
    bool done = true, same = true;
    for (size_t i = 0; i < group->thread_count; i++) {
        const struct ledger_test *named = ledger_get_test(build->evidence->ledger, items[i].slot->test);
        const char *test = named ? named->name : shown;
        group->threads[i].test = test ? strdup(test) : NULL;
        done = done && (!test || group->threads[i].test);
        same = same && is_same_test(group->threads[0].test, group->threads[i].test);
    }
    group->test = same ? group->threads[0].test : NULL;
    free(shown);
    return done;
}

static bool build_group(const struct build *build, const struct site_records *records,
                        const struct candidate *items, size_t count, struct leak_group *group)
{
    memset(group, 0, sizeof(*group));
    group->kind = items[0].kind;
    group->threads = calloc(count, sizeof(*group->threads));
    if (!group->threads || !stack_build(build->evidence->ledger, build->rules->symbolizer,
                                        items[0].stack.frames, items[0].stack.count, group))
        return false;
    for (size_t i = 0; i < count; i++) {
        group->threads[i] = items[i].thread;
        group->rule_deeper |= items[i].rule_deeper;
    }
    group->thread_count = count;
    group->listed = are_listed(items, count);
    group->start_routine = start_of(build, items[0].slot->start_pc);
    sum_sites(build, records, &items[0], group);
    group_set_fingerprints(group);
    if (!set_tests(build, items, group))
        return false;
    group->rule = items[0].rule;
    if (reason_of(&items[0]) && !take_reason(build, &items[0], group))
        return false;
    group->suppressed_by = group->rule ? group->rule->label : group->ignored;
    group->counted =
        build->process.judged && build->rules->kinds & leak_kind_bit(group->kind) && !group->suppressed_by;
    return true;
}

/* ---- all groups ----------------------------------------------------------------------------- */

static bool is_being_joined(const struct leak_group *group)
{
    for (size_t i = 0; i < group->thread_count; i++)
        if (group->threads[i].being_joined)
            return true;
    return false;
}

/* A loop may join the threads that one line creates one after the other. */
static void set_site_joining(struct process_report *process)
{
    struct leak_group *groups = process->groups;
    for (size_t i = 0; i < process->group_count; i++) {
        bool joining = is_being_joined(&groups[i]);
        for (size_t j = 0; joining && j < process->group_count; j++)
            groups[j].site_joining |= same_creation(&groups[i], &groups[j]);
    }
}

static bool group_all(struct build *build, const struct site_records *records, struct candidate *list,
                      size_t count)
{
    struct process_report *process = &build->process;
    process->groups = calloc(count, sizeof(*process->groups));
    if (!process->groups)
        return false;
    if (!apply_rules(build, list, count))
        return false;
    qsort(list, count, sizeof(*list), compare_candidates);
    size_t site = 0;
    for (size_t first = 0, end; first < count; first = end) {
        const struct candidate *items = &list[first];
        struct leak_group *group = &process->groups[process->group_count++];
        for (end = first + 1; end < count; end++)
            if (items->key != list[end].key || compare_groupings(items, &list[end]) != 0)
                break;
        site += first && list[first - 1].key != items->key;
        if (!build_group(build, records, items, end - first, group))
            return false;
        group->site = site;
    }
    set_site_joining(process);
    process_report_sort(process);
    return true;
}

static bool find_keys(const struct build *build, struct site_records *records, struct candidate *list,
                      size_t count)
{
    if (!site_records_read(records, build->evidence->ledger))
        return false;
    for (size_t i = 0; i < count; i++) {
        list[i].record = site_record_index(records, list[i].slot->site);
        records->items[list[i].record].has_key = true;
    }
    if (!site_records_find_keys(records, build->evidence->ledger, build->rules->symbolizer))
        return false;
    for (size_t i = 0; i < count; i++)
        list[i].key =
            stack_key_with_start(records->items[list[i].record].key, start_of(build, list[i].slot->start_pc));
    return true;
}

bool build_groups(struct build *build)
{
    size_t count;
    struct site_records records = {.count = 0};
    struct candidate *list = list_candidates(build, &count);
    bool done =
        list &&
        (count == 0 || (find_keys(build, &records, list, count) && group_all(build, &records, list, count)));
    site_records_release(&records);
    free(list);
    return done;
}
