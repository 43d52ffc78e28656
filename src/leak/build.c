/* Makes a process of the report from the evidence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "leak/module_names.h"
#include "leak/process_build.h"
#include "leak/test_environment.h"
#include "proc/status.h"
#include "suppress/suppress.h"

/* A stop by a signal reaches all threads. A single one in this state has just not gone on yet, or is traced.
 */
static bool is_stopped(const struct task_list *tasks)
{
    size_t stopped = 0, ended = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        stopped += tasks->tasks[i].state == 'T';
        ended += task_state_is_end(tasks->tasks[i].state);
    }
    return stopped && stopped + ended == tasks->count;
}

/* From now on the report owns them. */
static void set_identity(struct build *build, struct evidence *evidence)
{
    build->process = (struct process_report){
        .pid = evidence->pid,
        .parent_pid = evidence->parent_pid,
        .exe = evidence->exe,
        .argv = evidence->argv,
        .not_seen = evidence->blind_spots,
        .replaced = evidence->replaced,
        .live = evidence->end.alive,
        .stopped = evidence->end.alive && is_stopped(&evidence->tasks),
        .core = evidence->core,
        .watched = build->header || evidence->has_shim,
        .ledger_is_missing = evidence->ledger_is_missing,
        .stacks = evidence->stacks,
    };
    evidence->exe = NULL;
    evidence->argv = NULL;
    evidence->stacks = NULL;
    build->process.measures = evidence->measures;
    evidence->measures = NULL;
    evidence->blind_spots = NULL;
    evidence->replaced = NULL;
}

static void set_options(struct build *build)
{
    struct process_report *process = &build->process;
    const struct verdict_rules *rules = build->rules;
    const struct ledger_test *test = ledger_get_test(build->evidence->ledger, build->header->running_test);
    const char *variables = ledger_get_string(build->evidence->ledger, build->header->test_variables);
    process->test = test && *test->name ? strdup(test->name) : test_of_environment(variables);
    process->started_wall_ns = build->header->started_wall_ns;
    process->kinds = rules->kinds;
    process->judges = rules->judge_seen | (rules->judge & JUDGE_SIGNAL);
    process->other_options = rules->other_options;
    process->checked = rules->check;
    process->since = rules->since;
}

/* Invalid rules must not suppress the report, so all rules of their text are ignored. */
static bool read_program_rules(struct build *build)
{
    struct process_report *process = &build->process;
    const char *rules = ledger_get_string(build->evidence->ledger, atomic_load(&build->header->rules));
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

static int compare_serials(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void set_fork(struct build *build)
{
    const struct ledger_fork *fork = &build->header->fork;
    struct fork_info *info = &build->process.fork;
    if (fork->pid <= 0)
        return;
    info->parent = fork->pid;
    info->by = fork->by;
    info->missing_count = fork->missing_count;
    memcpy(info->missing, fork->missing, sizeof(info->missing));
    size_t listed = info->missing_count < LEDGER_MISSING_MAX ? info->missing_count : LEDGER_MISSING_MAX;
    qsort(info->missing, listed, sizeof(*info->missing), compare_serials);
    if (fork->pc)
        info->at = stack_call(build->evidence->ledger, build->rules->symbolizer, fork->pc);
}

static void set_counts(struct build *build)
{
    struct process_report *process = &build->process;
    for (uint32_t i = 0; i < ledger_site_count(build->evidence->ledger); i++) {
        const struct ledger_site *site = ledger_get_site(build->evidence->ledger, i);
        process->counts.created += site->created;
        process->counts.joined += site->joined;
        process->counts.detached += site->detached;
        process->counts.released += site->released;
    }
    process->counts.peak = build->header->peak > 0 ? (uint64_t)build->header->peak : 0;
    process->counts.lost = build->header->lost_events;
    process->counts.lost_places = build->header->lost_places;
    process->counts.lost_tests = build->header->lost_tests;
    process->no_room = build->header->flags & LEDGER_NO_ROOM;
}

/* At another end than an abort the main thread is in exit() or has ended, so its stack is not useful. */
static bool build_main(struct build *build)
{
    const struct evidence *evidence = build->evidence;
    const struct task *task = task_list_find(&evidence->tasks, evidence->pid);
    const struct thread_stack *saved = evidence->core || build->process.abort.call
                                           ? stacks_find(build->process.stacks, evidence->pid)
                                           : NULL;
    if (!saved && (!task || build->process.how != END_ALIVE))
        return true;
    struct thread_info *thread = calloc(1, sizeof(*thread));
    if (!thread)
        return false;
    *thread = (struct thread_info){.id = build->process.watched ? LEDGER_MAIN_SERIAL : 0,
                                   .tid = evidence->pid,
                                   .age_s = -1,
                                   .ended_s = -1,
                                   .cpu_s = -1,
                                   .current = saved};
    if (build->header && evidence->now_ns > build->header->started_ns)
        thread->age_s = (double)(evidence->now_ns - build->header->started_ns) / 1e9;
    if (task)
        build_add_task(build, task, thread);
    build->process.main = thread;
    return true;
}

static bool build_sites(struct build *build)
{
    struct process_report *process = &build->process;
    if (!build->rules->all_sites)
        return true;
    process->site_table = site_table_new(build->rules->symbolizer);
    return process->site_table &&
           site_counts_read(&process->sites, process->site_table, build->evidence->ledger,
                            &build->evidence->threads, build->evidence->now_ns);
}

static bool build_process(struct build *build)
{
    build_end(build);
    if (build->header) {
        set_options(build);
        set_counts(build);
        set_fork(build);
        build_abort(build);
        if (!read_program_rules(build) || !build_groups(build) || !build_failures(build) ||
            !build_sites(build))
            return false;
    }
    build_crash(build);
    return build_findings(build) && build_untracked(build) && build_main(build) && build_lives(build);
}

static bool append(struct report *report, const struct process_report *process)
{
    if (!ARRAY_GROW(report->processes, report->process_count))
        return false;
    report->processes[report->process_count++] = *process;
    return true;
}

/* A process that was creating its first thread may not have counted it yet. A live process is shown with its
 * main thread. */
static bool is_shown(const struct build *build)
{
    const struct process_report *process = &build->process;
    return !build->header || build->rules->even_without_threads || process->counts.created ||
           process->counts.lost || process->not_seen || process->counts.failed || process->group_count ||
           process->counts.untracked || process->main;
}

/* A death test aborts on purpose. */
static unsigned findings_wanted(const struct build *build, const struct verdict_rules *rules)
{
    const unsigned of_crash = 1u << FINDING_JOINABLE_DESTROYED | 1u << FINDING_CRASHED_IN_END;
    unsigned wanted = rules ? rules->find : FIND_DEFAULT;
    bool spared = evidence_is_abort(build->evidence) && is_spared_death_test(build, build->evidence->argv);
    return spared ? wanted & ~of_crash : wanted;
}

bool report_add(struct report *report, struct evidence *evidence, const struct verdict_rules *rules,
                struct error *error)
{
    static const struct verdict_rules none;
    struct build build = {.evidence = evidence,
                          .header = evidence->ledger ? ledger_get_header(evidence->ledger) : NULL,
                          .rules = evidence->ledger ? rules : &none};
    struct findings findings = {0};
    /* Findings have the names, too. */
    bool done =
        (!build.header || module_names_unify(evidence->stacks, evidence->ledger, build.rules->symbolizer)) &&
        findings_find(&findings, evidence, rules ? rules->symbolizer : NULL, findings_wanted(&build, rules));
    set_identity(&build, evidence);
    build.process.findings = findings;
    build.process.moment_s = -1;
    done = done && build_process(&build);
    bool shown = is_shown(&build);
    report_count_process(report, &build);
    done = done && (!shown || append(report, &build.process));
    if (!done)
        error_set(error, "out of memory");
    if (!done || !shown)
        process_report_release(&build.process);
    evidence_release(evidence);
    return done;
}
