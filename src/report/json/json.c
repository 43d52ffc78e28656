/* The format "json": schema threadleak/1.  Later versions add keys; they never change or remove one. */
#include <jansson.h>

#include "suppress/suppress.h"
#include "base/json.h"
#include "common/options.h"
#include "report/json/json.h"
#include "report/json/findings.h"
#include "report/json/thread.h"
#include "report/common/format.h"

static json_t *strings_json(char *const *strings)
{
    if (!strings)
        return json_null();
    json_t *array = json_array();
    for (; *strings; strings++)
        append_value(&array, json_text(*strings));
    return array;
}

/* ---- processes -------------------------------------------------------------------------------- */

static json_t *leak_runs_json(const struct leak_group *group)
{
    json_t *json = json_object();
    set_number(&json, "leaked", (int64_t)group->runs.count);
    set_number(&json, "first", (int64_t)group->runs.first);
    return json;
}

/* Only while a thread of the site is being joined. */
static void set_joining(json_t **json, const struct leak_group *group)
{
    size_t joined = 0;
    for (size_t i = 0; i < group->thread_count; i++)
        joined += group->threads[i].being_joined;
    if (group->site_joining && group->kind != LEAK_DETACHED)
        set_text(json, "joining", joined == group->thread_count ? "all" : "some");
}

static json_t *group_json(const struct leak_group *group, const struct findings *findings)
{
    json_t *json = json_object(), *threads = json_array();
    for (size_t i = 0; i < group->thread_count; i++)
        append_value(&threads, thread_json(&group->threads[i], leak_kind_name(group->kind), findings));
    set_text(&json, "kind", leak_kind_name(group->kind));
    set_number(&json, "count", (int64_t)group->thread_count);
    set_bool(&json, "counted", group->counted);
    set_text(&json, "suppressed_by", group->suppressed_by);
    set_text(&json, "fingerprint", group->fingerprint);
    set_text(&json, "test", group->test);
    set_positive(&json, "baseline_threads", (int64_t)group->known);
    if (group->reason)
        set_text(&json, "baseline_reason", group->reason);
    if (group->runs.count)
        set_value(&json, "runs", leak_runs_json(group));
    set_value(&json, "start_routine", frame_json(group->start_routine));
    set_value(&json, "creation_stack", frames_json(group->stack, group->stack_count));
    set_bool(&json, "creation_stack_truncated", group->truncated);
    set_value(&json, "own", frame_json(group->user_frame));
    set_value(&json, "joined_at", frame_json(group->joined_at));
    set_joining(&json, group);
    set_value(&json, "threads", threads);
    set_value(&json, "findings", findings_json(findings, group->threads, group->thread_count));
    return json;
}

/* What the latest creation that failed found; null where it is not among these. */
static json_t *latest_json(const struct failed_creation *failed)
{
    if (!failed->latest)
        return json_null();
    json_t *json = json_object();
    set_positive(&json, "created_by", (int64_t)failed->created_by);
    set_positive(&json, "threads", (int64_t)failed->threads);
    set_number(&json, "unjoined", (int64_t)failed->unjoined);
    set_seconds(&json, "ago_s", failed->ago_s);
    return json;
}

static json_t *failed_json(const struct process_report *process)
{
    json_t *list = json_array();
    for (size_t i = 0; i < process->failed_count; i++) {
        const struct leak_group *place = &process->failed[i].place;
        json_t *json = json_object();
        set_text(&json, "error", process->failed[i].error);
        set_number(&json, "count", (int64_t)process->failed[i].count);
        set_value(&json, "start_routine", frame_json(place->start_routine));
        set_value(&json, "creation_stack", frames_json(place->stack, place->stack_count));
        set_bool(&json, "creation_stack_truncated", place->truncated);
        set_value(&json, "own", frame_json(place->user_frame));
        set_value(&json, "latest", latest_json(&process->failed[i]));
        append_value(&list, json);
    }
    return list;
}

static json_t *end_json(const struct process_report *process)
{
    json_t *json = json_object();
    set_text(&json, "how", end_how_name(process->how));
    set_known(&json, "status", process->status, process->status_known);
    set_positive(&json, "signal", process->how == END_SIGNAL ? process->signal : 0);
    set_bool(&json, "judged", process->judged);
    return json;
}

/* If the process is not watched, only its live threads are known. */
static json_t *counts_json(const struct process_report *process)
{
    bool known = process->watched;
    json_t *json = json_object();
    set_known(&json, "created", (int64_t)process->counts.created, known);
    set_known(&json, "joined", (int64_t)process->counts.joined, known);
    set_known(&json, "detached", (int64_t)process->counts.detached, known);
    if (process->counts.released)
        set_number(&json, "released_unseen", (int64_t)process->counts.released);
    set_known(&json, "alive", (int64_t)process->counts.alive, known);
    set_known(&json, "unjoined", (int64_t)process->counts.unjoined, known);
    set_known(&json, "peak", (int64_t)process->counts.peak, known);
    set_number(&json, "untracked", (int64_t)process->counts.untracked);
    return json;
}

static json_t *fork_json(const struct fork_info *fork)
{
    json_t *json = json_object(), *missing = json_array();
    for (size_t i = 0; i < fork->missing_count && i < LEDGER_MISSING_MAX; i++)
        append_value(&missing, json_integer((json_int_t)fork->missing[i]));
    set_number(&json, "pid", fork->parent);
    set_positive(&json, "by", (int64_t)fork->by);
    set_value(&json, "at", frame_json(fork->at));
    set_value(&json, "missing", missing);
    set_number(&json, "missing_count", (int64_t)fork->missing_count);
    return json;
}

static json_t *abort_json(const struct abort_info *call)
{
    json_t *json = json_object();
    set_text(&json, "call", call->call);
    set_positive(&json, "thread", (int64_t)call->by);
    set_number(&json, "tid", call->tid);
    set_value(&json, "at", frame_json(call->at));
    return json;
}

/* The options that judged the process. */
static json_t *options_json(const struct process_report *process)
{
    char text[OPTIONS_LIST_MAX];
    json_t *json = json_object();
    options_report_text(process->kinds, text);
    set_text(&json, "report", text);
    options_judge_text(process->judges, text);
    set_text(&json, "judge", text);
    return json;
}

/* What could not be seen or was not searched, and files that were replaced. */
static void set_limits(json_t **json, const struct process_report *process)
{
    const char *why_not = process->stacks ? process->stacks->reach.why_not : NULL;
    if (why_not)
        set_value(json, "not_checked", json_pack("{so}", finding_name(FINDING_STUCK), json_text(why_not)));
    set_text(json, "stacks_note", process->stacks ? process->stacks->note : NULL);
    if (why_not)
        set_text(json, "not_checked_for_stuck", why_not);
    if (process->not_seen)
        set_value(json, "not_seen", strings_json(process->not_seen));
    if (process->replaced)
        set_value(json, "replaced", strings_json(process->replaced));
}

static void set_threads(json_t **json, const struct process_report *process)
{
    json_t *leaks = json_array(), *untracked = json_array();
    for (size_t i = 0; i < process->group_count; i++)
        append_value(&leaks, group_json(&process->groups[i], &process->findings));
    for (size_t i = 0; i < process->untracked_count; i++)
        append_value(&untracked, thread_json(&process->untracked[i], "untracked", &process->findings));
    set_value(json, "leaks", leaks);
    set_value(json, "main",
              process->main ? thread_json(process->main, "main", &process->findings) : json_null());
    set_value(json, "untracked", untracked);
}

static void set_lost(json_t **json, const struct process_report *process)
{
    set_number(json, "lost_events", (int64_t)process->counts.lost);
    if (process->counts.lost_places)
        set_number(json, "lost_places", (int64_t)process->counts.lost_places);
    if (process->counts.lost_tests)
        set_number(json, "lost_tests", (int64_t)process->counts.lost_tests);
}

static json_t *process_json(const struct process_report *process)
{
    json_t *json = json_object();
    set_number(&json, "pid", process->pid);
    set_positive(&json, "parent_pid", process->parent_pid);
    set_text(&json, "exe", process->exe);
    set_value(&json, "command", strings_json(process->argv));
    set_text(&json, "test", process->test);
    set_value(&json, "end", end_json(process));
    if (process->abort.call)
        set_value(&json, "abort", abort_json(&process->abort));
    set_value(&json, "threads", counts_json(process));
    set_bool(&json, "watched", process->watched);
    if (process->stopped)
        set_bool(&json, "stopped", true);
    set_text(&json, "verdict", process->findings.verdict);
    set_value(&json, "findings", findings_json(&process->findings, NULL, 0));
    set_limits(&json, process);
    set_threads(&json, process);
    if (process->fork.parent)
        set_value(&json, "forked_from", fork_json(&process->fork));
    if (process->failed_count)
        set_value(&json, "failed_creations", failed_json(process));
    set_lost(&json, process);
    if (process->checked)
        set_positive(&json, "checkpoint", (int64_t)process->since);
    if (process->other_options)
        set_value(&json, "options", options_json(process));
    if (process->program_rules_error)
        set_text(&json, "suppressions_note", process->program_rules_error);
    return json;
}

/* ---- the report ----------------------------------------------------------------------------------- */

static json_t *unwatched_json(const struct report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->unwatched_count; i++) {
        json_t *json = json_object();
        set_positive(&json, "pid", report->unwatched[i].pid);
        set_text(&json, "exe", report->unwatched[i].exe);
        set_text(&json, "why", unwatched_why_name(report->unwatched[i].why));
        append_value(&list, json);
    }
    return list;
}

static json_t *used_rules_json(const struct report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->used_rule_count; i++) {
        const struct suppression_rule *rule = report->used_rules[i].rule;
        json_t *json = json_object();
        set_text(&json, "rule", rule->text);
        set_text(&json, "label", rule->label);
        set_text(&json, "origin", rule->origin);
        set_positive(&json, "line", rule->line);
        set_number(&json, "threads", (int64_t)report->used_rules[i].threads);
        if (report->used_rules[i].findings)
            set_number(&json, "findings", (int64_t)report->used_rules[i].findings);
        append_value(&list, json);
    }
    return list;
}

static json_t *summary_json(const struct report *report)
{
    json_t *json = json_object();
    set_number(&json, "processes", (int64_t)report->summary.processes);
    set_number(&json, "leaked_threads", (int64_t)report->summary.leaked_threads);
    set_number(&json, "leak_sites", (int64_t)report->summary.leak_sites);
    set_number(&json, "suppressed_threads", (int64_t)report->summary.suppressed_threads);
    return json;
}

static json_t *runs_json(const struct report_runs *runs)
{
    json_t *json = json_object();
    set_number(&json, "count", (int64_t)runs->count);
    set_number(&json, "leaked", (int64_t)runs->leaked);
    set_positive(&json, "shake", (int64_t)runs->shake);
    return json;
}

json_t *report_to_json(const struct report *report)
{
    json_t *json = json_object(), *processes = json_array();
    for (size_t i = 0; i < report->process_count; i++)
        append_value(&processes, process_json(&report->processes[i]));
    set_text(&json, "schema", "threadleak/1");
    set_text(&json, "version", THREADLEAK_VERSION);
    set_value(&json, "command", strings_json(report->argv));
    set_value(&json, "summary", summary_json(report));
    set_value(&json, "processes", processes);
    if (report->runs.count)
        set_value(&json, "runs", runs_json(&report->runs));
    if (report->timed_out_s > 0)
        set_bool(&json, "timed_out", true);
    if (report->used_rule_count)
        set_value(&json, "suppressions", used_rules_json(report));
    if (report->unwatched_count)
        set_value(&json, "unwatched", unwatched_json(report));
    return json;
}

static bool print_json(FILE *out, const struct report *report, const struct report_style *style)
{
    (void)style;
    return json_write(out, report_to_json(report));
}

const struct report_format report_json = {.name = "json", .print = print_json};
