/* From one ledger, and /proc while the process lives, to its part of the report. */
#include "leak/process_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/array.h"
#include "base/clock.h"
#include "suppress/suppress.h"
#include "common/options.h"

/* ---- who, and how it ended ------------------------------------------------------- */

static char **copy_argv(const struct ledger *ledger, const struct ledger_header *header)
{
    if (!header->argc)
        return NULL;
    char **argv = calloc(header->argc + 1, sizeof(*argv));
    uint32_t at = header->argv;
    for (uint32_t i = 0; argv && i < header->argc; i++) {
        const char *string = ledger_get_string(ledger, at);
        argv[i] = strdup(string);
        if (!argv[i])
            break;
        at += (uint32_t)strlen(string) + 1;
    }
    return argv;
}

static enum end_how recorded_end(uint32_t end)
{
    switch (end) {
    case LEDGER_END_EXIT:
        return END_EXIT;
    case LEDGER_END__EXIT:
        return END__EXIT;
    case LEDGER_END_QUICK_EXIT:
        return END_QUICK_EXIT;
    case LEDGER_END_EXEC:
        return END_EXEC;
    default:
        return END_SIGNAL;
    }
}

static void set_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct known_end *end = build->end;
    bool recorded = build->header->end != LEDGER_END_NONE;
    bool exited = end->known && WIFEXITED(end->wait_status);

    process->live = end->alive;
    process->core = end->core;
    process->how = recorded_end(build->header->end);
    if (recorded) {
        process->judged = build->header->end_judged;
        process->status_known = process->how != END_EXEC;
        process->status = build->header->end_status & 0xff;
        if (process->how == END_EXEC || !end->known)
            return;
        process->status = WEXITSTATUS(end->wait_status);
        if (WIFSIGNALED(end->wait_status)) { /* on its way out: what was left is judged already */
            process->how = END_SIGNAL;
            process->signal = WTERMSIG(end->wait_status);
            process->status_known = false;
        }
        return;
    }
    if (end->alive || (end->core && !end->known)) {
        process->how = END_ALIVE;
        process->judged = build->rules->judge_live;
        return;
    }
    if (exited) { /* by a system call of its own */
        process->how = END__EXIT;
        process->judged = build->rules->judge & JUDGE__EXIT;
        process->status_known = true;
        process->status = WEXITSTATUS(end->wait_status);
        return;
    }
    process->judged = build->rules->judge & JUDGE_SIGNAL;
    if (end->known && WIFSIGNALED(end->wait_status))
        process->signal = WTERMSIG(end->wait_status);
}

static void set_identity(struct build *build)
{
    const char *exe = ledger_get_string(build->ledger, build->header->exe);
    struct process_report *process = &build->process;
    process->pid = build->end->pid ? build->end->pid : build->header->pid;
    process->parent_pid = build->header->ppid;
    process->exe = *exe ? strdup(exe) : NULL;
    const char *test = ledger_get_string(build->ledger, atomic_load(&build->header->test));
    process->test = *test ? strdup(test) : NULL;
    process->argv = copy_argv(build->ledger, build->header);
    process->started_wall_ns = build->header->started_wall_ns;
}

/* Rules that are wrong cost nobody the report: nothing of them is used. */
static bool read_own_rules(struct build *build)
{
    struct process_report *process = &build->process;
    const char *rules = ledger_get_string(build->ledger, atomic_load(&build->header->rules));
    char origin[300];
    struct error error;
    if (!*rules)
        return true;
    process->program_rules = suppressions_new();
    if (!process->program_rules)
        return false;
    suppressions_allow_match_all(process->program_rules,
                                 suppressions_allow_match_all_set(build->rules->suppressions));
    snprintf(origin, sizeof(origin), "rules of %.280s",
             process->argv  ? process->argv[0]
             : process->exe ? process->exe
                            : "the program");
    if (suppressions_load_text(process->program_rules, rules, origin, &error))
        return true;
    process->program_rules_error = strdup(error.text);
    return process->program_rules_error != NULL;
}

static void set_counts(struct build *build)
{
    struct process_report *process = &build->process;
    for (uint32_t i = 0; i < ledger_site_count(build->ledger); i++) {
        const struct ledger_site *site = ledger_get_site(build->ledger, i);
        process->counts.created += site->created;
        process->counts.joined += site->joined;
        process->counts.detached += site->detached;
    }
    process->counts.peak = build->header->peak > 0 ? (uint64_t)build->header->peak : 0;
    process->counts.lost = build->header->lost_events;
}

/* ---- all of it ----------------------------------------------------------------------------------- */

void build_look_at_task(const struct build *build, const struct task *task, struct thread_info *thread)
{
    memcpy(thread->name, task->name, sizeof(thread->name));
    thread->state = task->state;
    thread->cpu_s = task->cpu_s;
    thread->current = stacks_find(build->process.stacks, task->tid);
}

bool build_main(struct build *build)
{
    const struct task *task = build->have_tasks ? task_list_find(&build->tasks, build->process.pid) : NULL;
    const struct thread_stack *in_core =
        build->process.core ? stacks_find(build->process.stacks, build->process.pid) : NULL;
    /* At its end the main thread is the one that explains it, or sits in the end's rubble. */
    if (!in_core && (!task || build->process.how != END_ALIVE))
        return true;
    struct thread_info *thread = calloc(1, sizeof(*thread));
    if (!thread)
        return false;
    *thread = (struct thread_info){.id = build->process.watched ? LEDGER_MAIN_SERIAL : 0,
                                   .tid = build->process.pid,
                                   .age_s = -1,
                                   .ended_s = -1,
                                   .cpu_s = -1,
                                   .current = in_core};
    if (build->header && build->now_ns > build->header->started_ns)
        thread->age_s = (double)(build->now_ns - build->header->started_ns) / 1e9;
    if (task)
        build_look_at_task(build, task, thread);
    build->process.main = thread;
    return true;
}

static bool build_process(struct build *build)
{
    set_identity(build);
    set_end(build);
    set_counts(build);
    build->process.kinds = build->rules->kinds;
    build->process.judges = build->rules->judge_seen | (build->rules->judge & JUDGE_SIGNAL);
    build->process.other_options = build->rules->other_options;
    build->process.checked = build->rules->check;
    build->process.since = build->rules->since;
    build->process.stacks = build->end->current;
    build->process.watched = true;
    /* At an end: when it began, before the time that the end itself takes. */
    bool goes_on = build->end->alive && build->header->end == LEDGER_END_NONE;
    build->now_ns = goes_on ? now_ns() : build->header->end_ns;
    /* In another pid namespace its tids are not ours. */
    if (build->end->alive && build->process.pid == build->header->pid)
        build->have_tasks = process_tasks(build->process.pid, &build->tasks);
    return read_own_rules(build) && build_groups(build) && build_untracked(build) && build_main(build);
}

bool build_append(struct report *report, const struct build *build)
{
    if (!ARRAY_GROW(report->processes, report->process_count))
        return false;
    report->processes[report->process_count++] = build->process;
    return true;
}

/* One that was killed may have gone on unseen. */
void build_count(struct report *report, const struct build *build)
{
    const struct process_report *process = &build->process;
    bool forked = build->header && atomic_load(&build->header->flags) & LEDGER_FORKED;
    struct counted_process *counted = report->counted;
    size_t count = report->summary.processes, i = count;
    bool ended = process->how == END_EXIT || process->how == END__EXIT || process->how == END_QUICK_EXIT;
    while (i > 0 && counted[i - 1].pid != process->pid)
        i--;
    if (i > 0 && !counted[i - 1].ended && !forked) {
        counted[i - 1].ended = ended;
        return;
    }
    if (ARRAY_GROW(report->counted, count))
        report->counted[report->summary.processes++] = (struct counted_process){process->pid, ended};
}

bool report_add_ledger(struct report *report, const struct ledger *ledger, const struct known_end *end,
                       const struct verdict_rules *rules, struct error *error)
{
    struct build build = {.ledger = ledger, .header = ledger_get_header(ledger), .end = end, .rules = rules};
    bool built = build_process(&build);
    /* One that was just creating its first thread may not have counted it yet. */
    bool worth_it =
        end->wanted || build.process.counts.created || build.process.counts.lost || build.process.group_count;

    task_list_release(&build.tasks);
    build_count(report, &build);
    if (built && worth_it && build_append(report, &build))
        return true;
    process_report_release(&build.process);
    if (built && !worth_it)
        return true;
    error_set(error, "out of memory");
    return false;
}

/* ---- the sum ---- */

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
    if (ARRAY_GROW(report->used_rules, report->used_rule_count))
        report->used_rules[report->used_rule_count++] = (struct used_rule){group->rule, group->thread_count};
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
