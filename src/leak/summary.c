/* The sums over all processes of a report. */
#include <string.h>

#include "base/array.h"
#include "leak/process_build.h"
#include "suppress/suppress.h"

/* A process counts once, even if it ran several programs. A process that was killed may have called exec
 * unseen. */
void report_count_process(struct report *report, const struct build *build)
{
    const struct process_report *process = &build->process;
    bool forked = build->header && atomic_load(&build->header->flags) & LEDGER_FORKED;
    struct counted_process *counted = report->counted;
    size_t processes = report->summary.processes, i = processes;
    bool ended = process->how == END_EXIT || process->how == END__EXIT || process->how == END_QUICK_EXIT;
    while (i > 0 && counted[i - 1].pid != process->pid)
        i--;
    if (i > 0 && !counted[i - 1].ended && !forked) {
        counted[i - 1].ended = ended;
        return;
    }
    if (ARRAY_GROW(report->counted, processes))
        report->counted[report->summary.processes++] = (struct counted_process){process->pid, ended};
}

/* Several processes may register the same rules, which are listed once. */
static bool same_rule(const struct suppression_rule *a, const struct suppression_rule *b)
{
    return a == b || (a->source == b->source && a->line == b->line && !strcmp(a->label, b->label) &&
                      !strcmp(a->origin, b->origin));
}

static void count_rule(struct report *report, const struct used_rule *used)
{
    for (size_t i = 0; used->rule && i < report->used_rule_count; i++)
        if (same_rule(report->used_rules[i].rule, used->rule)) {
            report->used_rules[i].threads += used->threads;
            report->used_rules[i].findings += used->findings;
            return;
        }
    if (used->rule && ARRAY_GROW(report->used_rules, report->used_rule_count))
        report->used_rules[report->used_rule_count++] = *used;
}

void report_finish(struct report *report)
{
    for (size_t p = 0; p < report->process_count; p++) {
        struct process_report *process = &report->processes[p];
        process_relate_findings(process);
        report->summary.crashed +=
            process->abort.call || (process->how == END_SIGNAL && process->findings.verdict);
        for (size_t i = 0; i < process->group_count; i++) {
            const struct leak_group *group = &process->groups[i];
            if (group->suppressed_by)
                report->summary.suppressed_threads += group->thread_count;
            count_rule(report, &(struct used_rule){.rule = group->rule, .threads = group->thread_count});
            if (!group->counted)
                continue;
            report->summary.leaked_threads += group->thread_count;
            /* Counted groups come first: this is the first counted one of its site. */
            report->summary.leak_sites += group->first_of_site;
        }
        for (size_t i = 0; i < process->findings.count; i++)
            count_rule(report, &(struct used_rule){.rule = process->findings.items[i].rule, .findings = 1});
    }
}
