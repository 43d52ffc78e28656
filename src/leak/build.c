/* Makes a process of the report from the evidence. */
#include "leak/death_test.h"
#include "leak/process_build.h"
#include "leak/module_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/array.h"
#include "suppress/suppress.h"
#include "common/options.h"

/* ---- identity and end ------------------------------------------------------------ */

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

/* The shim has already judged the ends that it recorded. */
static void set_recorded_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct process_end *end = &build->evidence->end;
    process->how = recorded_end(build->header->end);
    process->judged = build->header->end_judged;
    process->status_known = process->how != END_EXEC && build->header->end_status != LEDGER_STATUS_UNKNOWN;
    process->status = build->header->end_status & 0xff;
    if (process->how == END_EXEC || !end->known)
        return;
    process->status = WEXITSTATUS(end->wait_status);
    process->status_known = true;
    if (WIFSIGNALED(end->wait_status)) {
        process->how = END_SIGNAL;
        process->signal = WTERMSIG(end->wait_status);
        process->status_known = false;
    }
}

/* Did an end begin, such as exit(), and the process end before the shim recorded that? A sanitizer can do
 * this. A death by signal is no such end. */
static bool is_begun_end(const struct build *build)
{
    const struct process_end *end = &build->evidence->end;
    bool by_signal = end->known && WIFSIGNALED(end->wait_status);
    return build->header && build->header->end_began && !end->alive && !by_signal;
}

static void set_begun_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct process_end *end = &build->evidence->end;
    process->how = recorded_end(build->header->end_began);
    process->judged = build->rules->judge_seen & (1u << build->header->end_began);
    process->status_known = true;
    process->status = end->known ? WEXITSTATUS(end->wait_status) : build->header->end_status & 0xff;
}

/* argv: of the process, or NULL. */
static bool is_spared_death_test(const struct build *build, char *const *argv)
{
    return !((build->rules->judge_seen | build->rules->judge) & JUDGE_DEATH_TEST) &&
           is_death_test(build->evidence, argv, build->rules->symbolizer);
}

static bool spares_death_test(const struct build *build)
{
    return is_spared_death_test(build, build->process.argv);
}

static void set_end(struct build *build)
{
    struct process_report *process = &build->process;
    const struct process_end *end = &build->evidence->end;
    if (build->header && build->header->end != LEDGER_END_NONE) {
        set_recorded_end(build);
    } else if (is_begun_end(build)) {
        set_begun_end(build);
    } else if (end->alive || (build->evidence->core && !end->known)) {
        process->how = END_ALIVE;
        process->judged = build->rules->judge_live;
    } else if (end->known &&
               WIFEXITED(end->wait_status)) { /* ended by a system call, which the shim does not see */
        process->how = END__EXIT;
        process->judged = build->rules->judge & JUDGE__EXIT;
        process->status_known = true;
        process->status = WEXITSTATUS(end->wait_status);
    } else {
        process->how = END_SIGNAL;
        process->judged = build->rules->judge & JUDGE_SIGNAL;
        process->signal = end->known ? WTERMSIG(end->wait_status) : 0;
    }
    if (process->judged && process->how != END_ALIVE && spares_death_test(build))
        process->judged = false;
}

/* The user frame that called abort(). A handler of SIGABRT may be over it, if it ended the process. */
static const struct frame *abort_place(const struct shared_stack *stack)
{
    size_t i = 0;
    while (i < stack->count &&
           !(stack->frames[i].function && strcmp(stack->frames[i].function, "abort") == 0))
        i++;
    if (i == stack->count)
        i = 0; /* it is not in libc yet */
    return innermost_user_frame(stack->frames + i, stack->count - i);
}

static void set_abort(struct build *build)
{
    const struct ledger_abort *from = &build->header->abort;
    struct abort_info *abort = &build->process.abort;
    if (!evidence_is_abort(build->evidence) || spares_death_test(build))
        return;
    const struct thread_stack *current = stacks_find(build->process.stacks, from->tid);
    const struct shared_stack *stack = current ? current->stack : NULL;
    abort->call = from->call == ABORT_ASSERT ? "assert" : "abort";
    abort->by = from->by;
    abort->tid = from->tid;
    abort->at = stack ? abort_place(stack) : NULL;
    if (!abort->at && from->at)
        abort->at = stack_call(build->evidence->ledger, build->rules->symbolizer, from->at);
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
        .core = evidence->core,
        .watched = build->header || evidence->has_shim,
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
    const char *name = test ? test->name : ledger_get_string(build->evidence->ledger, build->header->test);
    process->test = *name ? strdup(name) : NULL;
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

/* ---- all of it ----------------------------------------------------------------------------------- */

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
    set_end(build);
    if (build->header) {
        set_options(build);
        set_counts(build);
        set_fork(build);
        set_abort(build);
        if (!read_program_rules(build) || !build_groups(build) || !build_failures(build) ||
            !build_sites(build))
            return false;
    }
    return build_findings(build) && build_untracked(build) && build_main(build) && build_lives(build);
}

static bool append(struct report *report, const struct process_report *process)
{
    if (!ARRAY_GROW(report->processes, report->process_count))
        return false;
    report->processes[report->process_count++] = *process;
    return true;
}

/* A process counts once, even if it ran several programs. A process that was killed may have called exec
 * unseen. */
static void count(struct report *report, const struct build *build)
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
    count(report, &build);
    done = done && (!shown || append(report, &build.process));
    if (!done)
        error_set(error, "out of memory");
    if (!done || !shown)
        process_report_release(&build.process);
    evidence_release(evidence);
    return done;
}

/* ---- the sum ------------------------------------------------------------------------------------- */

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
