#include "report/json/process.h"

#include "base/json.h"
#include "common/options.h"
#include "report/json/findings.h"
#include "report/json/group.h"
#include "report/json/thread.h"

json_t *strings_json(char *const *strings)
{
    if (!strings)
        return json_null();
    json_t *array = json_array();
    for (; *strings; strings++)
        append_value(&array, json_text(*strings));
    return array;
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
    set_text(&json, "call", call->call == ABORT_ASSERT ? "assert" : "abort");
    set_positive(&json, "thread", (int64_t)call->by);
    set_number(&json, "tid", call->tid);
    set_value(&json, "at", frame_json(call->at));
    return json;
}

static json_t *crash_json(const struct crash_info *crash)
{
    json_t *json = json_object();
    set_text(&json, "signal", crash->signal);
    set_positive(&json, "thread", (int64_t)crash->by);
    set_number(&json, "tid", crash->tid);
    set_value(&json, "at", frame_json(crash->at));
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
    struct common_json common = common_json_of(process);
    json_t *leaks = json_array(), *untracked = json_array();
    for (size_t i = 0; i < process->group_count; i++)
        append_value(&leaks, group_json(&process->groups[i], &common));
    for (size_t i = 0; i < process->untracked_count; i++)
        append_value(&untracked, thread_json(&process->untracked[i], "untracked", &common));
    set_value(json, "leaks", leaks);
    set_value(json, "main", process->main ? thread_json(process->main, "main", &common) : json_null());
    set_value(json, "untracked", untracked);
    common_json_release(&common);
}

static void set_lost(json_t **json, const struct process_report *process)
{
    set_number(json, "lost_events", (int64_t)process->counts.lost);
    if (process->counts.lost_places)
        set_number(json, "lost_places", (int64_t)process->counts.lost_places);
    if (process->counts.lost_tests)
        set_number(json, "lost_tests", (int64_t)process->counts.lost_tests);
}

json_t *process_json(const struct process_report *process)
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
    if (process->crash.signal)
        set_value(&json, "crash", crash_json(&process->crash));
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
