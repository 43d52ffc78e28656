#include "leak/test_of.h"
#include "leak/process_build.h"

#include <stdlib.h>

#include "suppress/suppress.h"
#include "leak/sites.h"
#include "stacks/stacks.h"

/* The user's rules, and those loaded with them, come before the program's. */
enum { MATCHERS = 2 };

struct rule_finder {
    const struct build *build;
    struct finding_index findings;
    struct suppression_matcher *matchers[MATCHERS];
    struct leak_group site; /* for its stack */
    char *test;             /* in that stack; NULL: none */
};

/* Sorts threads so that those with equal results for the site parts of rules are adjacent. */
static int compare_sites(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    int order = creation_stack_compare(&a->stack, &b->stack);
    if (order)
        return order;
    if (a->kind != b->kind)
        return (int)a->kind - (int)b->kind;
    if (a->slot->test != b->slot->test)
        return a->slot->test < b->slot->test ? -1 : 1;
    return (a->slot->start_pc > b->slot->start_pc) - (a->slot->start_pc < b->slot->start_pc);
}

static bool take_stack(struct rule_finder *finder, const struct creation_stack *stack)
{
    const struct build *build = finder->build;
    free(finder->site.stack);
    free(finder->test);
    finder->test = NULL;
    finder->site = (struct leak_group){.stack = NULL};
    if (!stack_build(build->evidence->ledger, build->rules->symbolizer, stack->frames, stack->count,
                     &finder->site))
        return false;
    finder->test = test_of_stack(finder->site.stack, finder->site.stack_count);
    return true;
}

static void take_site(struct rule_finder *finder, const struct candidate *item)
{
    const struct build *build = finder->build;
    const struct ledger_test *named = ledger_get_test(build->evidence->ledger, item->slot->test);
    const struct suppression_site site = {
        .stack = finder->site.stack,
        .stack_count = finder->site.stack_count,
        .start = stack_function(build->evidence->ledger, build->rules->symbolizer, item->slot->start_pc),
        .kind = leak_kind_bit(item->kind),
        .process = build->process.exe,
        .called = build->process.argv ? build->process.argv[0] : NULL,
        .test = named ? named->name : finder->test,
        .ran = build->process.test,
    };
    for (int i = 0; i < MATCHERS; i++)
        if (finder->matchers[i])
            suppression_matcher_site(finder->matchers[i], &site);
}

static bool is_truncated(const struct creation_stack *stack)
{
    return stack->site && stack->site->flags & (SITE_TRUNCATED | SITE_NO_UNWINDER);
}

/* Rules with finding: that match a thread of a finding suppress the finding. */
static void find_rules_of_findings(const struct rule_finder *finder, const struct candidate *item,
                                   struct suppression_thread thread)
{
    const struct finding_index *index = &finder->findings;
    size_t i = finding_index_first(index, item->thread.id);
    thread.finding_alone = true;
    for (; i < index->count && index->items[i].id == item->thread.id; i++) {
        struct finding *finding = index->items[i].finding;
        thread.findings = 1u << finding->code;
        for (int j = 0; j < MATCHERS && !finding->rule; j++)
            if (finder->matchers[j])
                finding->rule = suppression_matcher_find(finder->matchers[j], &thread);
    }
}

static unsigned findings_of(const struct finding_index *index, uint64_t id)
{
    unsigned codes = 0;
    for (size_t i = finding_index_first(index, id); i < index->count && index->items[i].id == id; i++)
        codes |= 1u << index->items[i].finding->code;
    return codes;
}

static void find_rule(const struct rule_finder *finder, struct candidate *item)
{
    const struct thread_stack *current = item->thread.current;
    struct suppression_thread thread = {.name = item->thread.name,
                                        .findings = findings_of(&finder->findings, item->thread.id)};
    item->rule = NULL;
    if (current) {
        thread.waiting = current->wait.on;
        thread.current = current->stack ? current->stack->frames : NULL;
        thread.current_count = current->stack ? current->stack->count : 0;
        thread.current_whole = current->stack && !current->stack->incomplete;
    }
    for (int i = 0; i < MATCHERS && !item->rule; i++)
        if (finder->matchers[i])
            item->rule = suppression_matcher_find(finder->matchers[i], &thread);
    if (thread.findings)
        find_rules_of_findings(finder, item, thread);
    for (int i = 0; i < MATCHERS && !item->rule && is_truncated(&item->stack); i++)
        if (finder->matchers[i])
            item->rule_deeper |= suppression_matcher_may_find_deeper(finder->matchers[i], &thread);
}

static bool match_all(struct rule_finder *finder, struct candidate *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool other_stack = i == 0 || creation_stack_compare(&list[i - 1].stack, &list[i].stack) != 0;
        if (other_stack && !take_stack(finder, &list[i].stack))
            return false;
        if (other_stack || compare_sites(&list[i - 1], &list[i]) != 0)
            take_site(finder, &list[i]);
        find_rule(finder, &list[i]);
    }
    return true;
}

bool apply_rules(const struct build *build, struct candidate *list, size_t count)
{
    const struct suppressions *rules[MATCHERS] = {build->rules->suppressions, build->process.program_rules};
    struct rule_finder finder = {.build = build};
    bool done = true, any = false;
    for (int i = 0; i < MATCHERS; i++) {
        if (!suppressions_rule_count(rules[i]))
            continue;
        any = true;
        finder.matchers[i] = suppression_matcher_new(rules[i]);
        done = done && finder.matchers[i];
    }
    done = done && finding_index_make(&finder.findings, &build->process.findings);
    if (any && done) {
        qsort(list, count, sizeof(*list), compare_sites);
        done = match_all(&finder, list, count);
    }
    free(finder.site.stack);
    free(finder.test);
    free(finder.findings.items);
    for (int i = 0; i < MATCHERS; i++)
        suppression_matcher_free(finder.matchers[i]);
    return done;
}
