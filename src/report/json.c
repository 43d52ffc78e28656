/* The format "json": schema threadleak/1.  Later versions add keys; they never change or remove one. */
#include <jansson.h>
#include <math.h>

#include "suppress/suppress.h"
#include "base/json.h"
#include "common/options.h"
#include "report/json.h"
#include "report/json_findings.h"
#include "report/report.h"

/* ---- values that may be unknown: null ------------------------------------------------- */

static void set_address(json_t **object, const char *key, uint64_t address, bool known)
{
    set_value(object, key, known ? json_sprintf("0x%llx", (unsigned long long)address) : json_null());
}

/* Below zero: unknown. In milliseconds, because the clocks of /proc are coarser than that. */
static void set_seconds(json_t **object, const char *key, double seconds)
{
    set_value(object, key, seconds < 0 ? json_null() : json_real(round(seconds * 1000) / 1000));
}

static void set_known(json_t **object, const char *key, int64_t number, bool known)
{
    set_value(object, key, known ? json_integer(number) : json_null());
}

/* For numbers that start at 1, such as pids and lines. */
static void set_positive(json_t **object, const char *key, int64_t number)
{
    set_known(object, key, number, number > 0);
}

static json_t *strings_json(char *const *strings)
{
    if (!strings)
        return json_null();
    json_t *array = json_array();
    for (; *strings; strings++)
        append_value(&array, json_text(*strings));
    return array;
}

/* ---- frames ---------------------------------------------------------------------------- */

static json_t *frame_json(const struct frame *frame)
{
    if (!frame)
        return json_null();
    json_t *json = json_object();
    set_address(&json, "pc", frame->pc, frame->pc != 0);
    set_text(&json, "module", frame->module);
    set_text(&json, "build_id", frame->build_id);
    set_address(&json, "offset", frame->offset, frame->module != NULL);
    set_text(&json, "function", frame->function);
    set_text(&json, "file", frame->file);
    set_positive(&json, "line", frame->line);
    set_bool(&json, "inlined", frame->inlined);
    return json;
}

static json_t *frames_json(const struct frame *frames, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        append_value(&array, frame_json(&frames[i]));
    return array;
}

/* ---- threads ------------------------------------------------------------------------------ */

static json_t *timeout_json(enum wait_timeout timeout)
{
    return timeout == WAIT_TIMEOUT_UNKNOWN ? json_null() : json_boolean(timeout == WAIT_TIMEOUT_YES);
}

static json_t *notified_json(const struct notified *notified)
{
    static const char *const states[] = {NULL, "never", "by", "unseen"};
    if (notified->state == NOTIFIED_UNKNOWN)
        return json_null();
    const struct shared_stack *stack = notified->stack;
    json_t *json = json_object();
    set_text(&json, "state", states[notified->state]);
    set_positive(&json, "by", (int64_t)notified->id);
    if (notified->state == NOTIFIED_BY && notified->wait_ns && notified->wait_ns != notified->ns)
        set_value(&json, "before_wait_s",
                  json_real((double)(int64_t)(notified->wait_ns - notified->ns) / 1e9));
    else
        set_value(&json, "before_wait_s", json_null());
    set_value(&json, "frames", stack ? frames_json(stack->frames, stack->count) : json_array());
    return json;
}

static json_t *waiting_json(const struct thread_stack *current)
{
    if (!current || current->wait.on == WAIT_NONE)
        return json_null();
    const struct wait *wait = &current->wait;
    json_t *json = json_object();
    set_text(&json, "on", wait_on_name(wait->on));
    set_address(&json, "address", wait->address, wait->address != 0);
    set_text(&json, "symbol", wait->symbol);
    set_positive(&json, "owner", (int64_t)current->owner_id);
    set_positive(&json, "owner_tid", wait->owner);
    set_value(&json, "timeout", timeout_json(wait->timeout));
    set_seconds(&json, "left_s", wait->left_s);
    set_text(&json, "text", wait->text);
    set_text(&json, "kind", *wait->kind ? wait->kind : NULL);
    set_known(&json, "fd", wait->fd, wait->fd >= 0);
    set_address(&json, "mutex", wait->mutex, wait->mutex != 0);
    set_text(&json, "mutex_symbol", wait->mutex_symbol);
    set_value(&json, "notified", notified_json(&current->notified));
    return json;
}

static json_t *stack_json(const struct thread_stack *current)
{
    const struct shared_stack *stack = current ? current->stack : NULL;
    return stack ? frames_json(stack->frames, stack->count) : json_array();
}

/* The reason why the stack is missing or incomplete. */
static const char *stack_note(const struct thread_stack *current)
{
    if (!current)
        return NULL;
    return current->stack ? current->stack->incomplete : current->why_none;
}

static json_t *fault_json(const struct thread_info *thread)
{
    json_t *json = json_object();
    set_text(&json, "signal", thread->fault);
    set_value(&json, "frame", thread->fault_at ? frame_json(thread->fault_at) : json_null());
    return json;
}

/* Is the handle (pthread_t) stored, and where? */
static json_t *handle_json(const struct kept_handle *handle)
{
    if (!handle)
        return json_null();
    json_t *json = json_object();
    set_bool(&json, "stored", !handle->lost);
    set_text(&json, "where", handle->where);
    return json;
}

static json_t *thread_json(const struct thread_info *thread, const char *kind,
                           const struct findings *findings)
{
    const struct thread_stack *current = thread->current;
    const char state[2] = {thread->state, 0};
    json_t *json = json_object();
    set_positive(&json, "id", (int64_t)thread->id);
    set_positive(&json, "tid", thread->tid);
    set_text(&json, "name", *thread->name ? thread->name : NULL);
    set_text(&json, "kind", kind);
    set_positive(&json, "created_by", (int64_t)thread->created_by);
    set_seconds(&json, "age_s", thread->age_s);
    set_seconds(&json, "ended_s", thread->ended_s);
    set_seconds(&json, "cpu_s", thread->cpu_s);
    set_text(&json, "state", *state ? state : NULL);
    set_value(&json, "handle", handle_json(thread->handle));
    set_value(&json, "stack", stack_json(current));
    set_text(&json, "stack_source", stack_source_name(current ? current->source : STACK_SOURCE_NONE));
    set_text(&json, "stack_note", stack_note(current));
    set_value(&json, "waiting", waiting_json(current));
    set_seconds(&json, "idle_s", current ? current->idle_s : -1);
    if (thread->test)
        set_text(&json, "test", thread->test);
    if (thread->fault)
        set_value(&json, "fault", fault_json(thread));
    set_value(&json, "findings", findings_json(findings, thread, 1));
    return json;
}

/* ---- processes -------------------------------------------------------------------------------- */

static json_t *leak_runs_json(const struct leak_group *group)
{
    json_t *json = json_object();
    set_number(&json, "leaked", (int64_t)group->runs.count);
    set_number(&json, "first", (int64_t)group->runs.first);
    return json;
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

static json_t *process_json(const struct process_report *process)
{
    json_t *json = json_object(), *leaks = json_array(), *untracked = json_array();
    for (size_t i = 0; i < process->group_count; i++)
        append_value(&leaks, group_json(&process->groups[i], &process->findings));
    for (size_t i = 0; i < process->untracked_count; i++)
        append_value(&untracked, thread_json(&process->untracked[i], "untracked", &process->findings));
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
    set_text(&json, "verdict", process->findings.verdict);
    set_value(&json, "findings", findings_json(&process->findings, NULL, 0));
    if (process->stacks && process->stacks->reach.why_not)
        set_value(&json, "not_checked",
                  json_pack("{so}", finding_name(FINDING_STUCK), json_text(process->stacks->reach.why_not)));
    set_text(&json, "stacks_note", process->stacks ? process->stacks->note : NULL);
    if (process->stacks && process->stacks->reach.why_not)
        set_text(&json, "not_checked_for_stuck", process->stacks->reach.why_not);
    if (process->not_seen)
        set_value(&json, "not_seen", strings_json(process->not_seen));
    if (process->replaced)
        set_value(&json, "replaced", strings_json(process->replaced));
    set_value(&json, "leaks", leaks);
    set_value(&json, "main",
              process->main ? thread_json(process->main, "main", &process->findings) : json_null());
    set_value(&json, "untracked", untracked);
    if (process->fork.parent)
        set_value(&json, "forked_from", fork_json(&process->fork));
    if (process->failed_count)
        set_value(&json, "failed_creations", failed_json(process));
    set_number(&json, "lost_events", (int64_t)process->counts.lost);
    if (process->counts.lost_places)
        set_number(&json, "lost_places", (int64_t)process->counts.lost_places);
    if (process->counts.lost_tests)
        set_number(&json, "lost_tests", (int64_t)process->counts.lost_tests);
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
