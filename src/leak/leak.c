#include "leak/leak.h"

#include <stdlib.h>
#include <string.h>

#include "suppress/suppress.h"
#include "common/options.h"
#include "proc/process.h"

const char *leak_kind_name(enum leak_kind kind)
{
    static const char *const names[LEAK_KINDS] = {"running", "detached", "unjoined"};
    return names[kind];
}

unsigned leak_kind_bit(enum leak_kind kind)
{
    static const unsigned bits[LEAK_KINDS] = {KIND_RUNNING, KIND_DETACHED, KIND_UNJOINED};
    return bits[kind];
}

const char *end_how_name(enum end_how how)
{
    static const char *const names[] = {"exit", "_exit", "quick_exit", "exec", "signal", "alive"};
    return names[how];
}

struct report *report_new(void)
{
    return calloc(1, sizeof(struct report));
}

static void free_strings(char **strings)
{
    for (char **at = strings; at && *at; at++)
        free(*at);
    free(strings);
}

void process_report_release(struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++) {
        free(process->groups[i].stack);
        free(process->groups[i].threads);
        free(process->groups[i].test);
        free(process->groups[i].ignored);
    }
    free(process->groups);
    free(process->untracked);
    free(process->main);
    stacks_free(process->current);
    suppressions_free(process->own_rules);
    free(process->own_rules_wrong);
    free(process->exe);
    free(process->test);
    free_strings(process->argv);
}

void unwatched_free(struct unwatched *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].name);
        free(items[i].exe);
    }
    free(items);
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->process_count; i++)
        process_report_release(&report->processes[i]);
    free(report->processes);
    free(report->counted);
    free(report->used_rules);
    unwatched_free(report->unwatched, report->unwatched_count);
    free_strings(report->argv);
    free(report);
}

/* One process may bring the same rules as another: told once. */
static bool same_rule(const struct suppression_rule *a, const struct suppression_rule *b)
{
    return a == b || (a->source == b->source && a->line == b->line && !strcmp(a->label, b->label) &&
                      !strcmp(a->origin, b->origin));
}

static void count_rule(struct report *report, const struct leak_group *group)
{
    for (size_t i = 0; i < report->used_rule_count; i++)
        if (same_rule(report->used_rules[i].rule, group->rule)) {
            report->used_rules[i].threads += group->thread_count;
            return;
        }
    struct used_rule *grown =
        realloc(report->used_rules, (report->used_rule_count + 1) * sizeof(*report->used_rules));
    if (!grown)
        return;
    report->used_rules = grown;
    grown[report->used_rule_count++] = (struct used_rule){group->rule, group->thread_count};
}

void report_finish(struct report *report)
{
    for (size_t p = 0; p < report->process_count; p++) {
        const struct process_report *process = &report->processes[p];
        for (size_t i = 0; i < process->group_count; i++) {
            const struct leak_group *group = &process->groups[i];
            if (group->suppressed_by)
                report->summary.suppressed_threads += group->thread_count;
            if (group->rule)
                count_rule(report, group);
            if (!group->counted)
                continue;
            report->summary.leaked_threads += group->thread_count;
            /* Counted groups stand first: this is the first counted one of its site. */
            report->summary.leak_sites += group->first_of_site;
        }
    }
}

const char *command_name(const struct process_report *process)
{
    if (process->argv && process->argv[0] && *process->argv[0])
        return process->argv[0];
    return process->exe ? process->exe : "?";
}
