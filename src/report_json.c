/* The format "json": schema threadleak/1.  Keys are only ever added. */
#include <jansson.h>
#include <math.h>

#include "ignore.h"
#include "json_parts.h"
#include "report.h"
#include "text_parts.h"

static json_t *hex(uint64_t value)
{
    return json_sprintf("0x%llx", (unsigned long long)value);
}

/* A number that is unknown below zero; three digits are what the clocks are worth. */
static json_t *seconds(double value)
{
    return value < 0 ? json_null() : json_real(round(value * 1000) / 1000);
}

static json_t *number(int64_t value, bool known)
{
    return known ? json_integer(value) : json_null();
}

static json_t *frame_json(const struct frame *frame)
{
    if (!frame)
        return json_null();
    return json_pack("{so so so so so so so so}", "pc", frame->pc ? hex(frame->pc) : json_null(), "module",
                     json_text(frame->module), "build_id", json_text(frame->build_id), "offset",
                     frame->module ? hex(frame->offset) : json_null(), "function", json_text(frame->function),
                     "file", json_text(frame->file), "line", number(frame->line, frame->line > 0), "inlined",
                     json_boolean(frame->inlined));
}

static json_t *strings_json(char *const *strings)
{
    if (!strings)
        return json_null();
    json_t *array = json_array();
    for (; *strings; strings++)
        json_array_append_new(array, json_text(*strings));
    return array;
}

static json_t *state_json(char state)
{
    char letter[2] = {state, 0};
    return state ? json_string(letter) : json_null();
}

static json_t *frames_json(const struct frame *frames, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, frame_json(&frames[i]));
    return array;
}

static json_t *timeout_json(enum wait_timeout timeout)
{
    return timeout == WAIT_TIMEOUT_UNKNOWN ? json_null() : json_boolean(timeout == WAIT_TIMEOUT_YES);
}

static json_t *waiting_json(const struct present_thread *present)
{
    if (!present || present->wait.on == WAIT_NONE)
        return json_null();
    const struct wait *wait = &present->wait;
    return json_pack("{ss so so so so so so so so so so so}", "on", wait_on_name(wait->on), "address",
                     wait->address ? hex(wait->address) : json_null(), "symbol", json_text(wait->symbol),
                     "owner", number((int64_t)present->owner_id, present->owner_id > 0), "owner_tid",
                     number(wait->owner, wait->owner > 0), "timeout", timeout_json(wait->timeout), "left_s",
                     seconds(wait->left_s), "text", json_text(wait->text), "kind",
                     json_text(*wait->kind ? wait->kind : NULL), "fd", number(wait->fd, wait->fd >= 0),
                     "mutex", wait->mutex ? hex(wait->mutex) : json_null(), "mutex_symbol",
                     json_text(wait->mutex_symbol));
}

static json_t *stack_json(const struct present_thread *present)
{
    const struct present_stack *stack = present ? present->stack : NULL;
    return stack ? frames_json(stack->frames, stack->count) : json_array();
}

/* Why there is no stack, or not all of it. */
static json_t *stack_note_json(const struct present_thread *present)
{
    if (!present)
        return json_null();
    return json_text(present->stack ? present->stack->incomplete : present->why_none);
}

static json_t *thread_json(const struct thread_info *thread, const char *kind)
{
    const struct present_thread *present = thread->present;
    return json_pack("{so so so ss so so so so so so ss so so so so}", "id",
                     number((int64_t)thread->id, thread->id > 0), "tid", number(thread->tid, thread->tid > 0),
                     "name", json_text(*thread->name ? thread->name : NULL), "kind", kind, "created_by",
                     number((int64_t)thread->created_by, thread->created_by > 0), "age_s",
                     seconds(thread->age_s), "ended_s", seconds(thread->ended_s), "cpu_s",
                     seconds(thread->cpu_s), "state", state_json(thread->state), "stack", stack_json(present),
                     "stack_source", present_source_name(present ? present->source : PRESENT_NONE),
                     "stack_note", stack_note_json(present), "waiting", waiting_json(present), "idle_s",
                     seconds(present ? present->idle_s : -1), "findings", json_array());
}

static json_t *group_json(const struct leak_group *group)
{
    json_t *stack = frames_json(group->stack, group->stack_count), *threads = json_array();
    for (size_t i = 0; i < group->thread_count; i++)
        json_array_append_new(threads, thread_json(&group->threads[i], leak_kind_name(group->kind)));
    return json_pack("{ss sI sb so ss so so so so sb so so so}", "kind", leak_kind_name(group->kind), "count",
                     (json_int_t)group->thread_count, "counted", group->counted, "suppressed_by",
                     json_text(group->suppressed_by), "fingerprint", group->fingerprint, "test",
                     json_text(group->test), "baseline_threads",
                     number((int64_t)group->known, group->known > 0), "start_routine",
                     frame_json(group->start_routine), "creation_stack", stack, "creation_stack_truncated",
                     group->truncated, "own", frame_json(group->own), "joined_at",
                     frame_json(group->joined_at), "threads", threads);
}

static json_t *end_json(const struct process_report *process)
{
    bool by_signal = process->how == END_SIGNAL;
    return json_pack("{ss so so sb}", "how", end_how_name(process->how), "status",
                     number(process->status, process->status_known), "signal",
                     number(process->signal, by_signal && process->signal > 0), "judged", process->judged);
}

/* Of a process that is not watched only those that are there now are known. */
static json_t *counts_json(const struct process_report *process)
{
    bool known = process->watched;
    return json_pack("{so so so so so so so}", "created", number((int64_t)process->counts.created, known),
                     "joined", number((int64_t)process->counts.joined, known), "detached",
                     number((int64_t)process->counts.detached, known), "alive",
                     number((int64_t)process->counts.alive, known), "unjoined",
                     number((int64_t)process->counts.unjoined, known), "peak",
                     number((int64_t)process->counts.peak, known), "untracked",
                     json_integer((json_int_t)process->counts.untracked));
}

/* What a check of the program's own was about, and what it brought to it. */
static void add_program_parts(json_t *json, const struct process_report *process)
{
    if (process->checked)
        json_object_set_new(json, "checkpoint", number((int64_t)process->since, process->since > 0));
    if (process->own_rules_wrong)
        json_object_set_new(json, "suppressions_note", json_text(process->own_rules_wrong));
}

static json_t *process_json(const struct process_report *process)
{
    json_t *leaks = json_array(), *untracked = json_array();
    for (size_t i = 0; i < process->group_count; i++)
        json_array_append_new(leaks, group_json(&process->groups[i]));
    for (size_t i = 0; i < process->untracked_count; i++)
        json_array_append_new(untracked, thread_json(&process->untracked[i], "untracked"));
    json_t *json =
        json_pack("{si so so so so so so sb so so so so sI}", "pid", (int)process->pid, "parent_pid",
                  number(process->parent_pid, process->parent_pid > 0), "exe", json_text(process->exe),
                  "command", strings_json(process->argv), "test", json_text(process->test), "end",
                  end_json(process), "threads", counts_json(process), "watched", process->watched,
                  "stacks_note", json_text(process->present ? process->present->note : NULL), "leaks", leaks,
                  "main", process->main ? thread_json(process->main, "main") : json_null(), "untracked",
                  untracked, "lost_events", (json_int_t)process->counts.lost);
    if (json)
        add_program_parts(json, process);
    return json;
}

static json_t *unwatched_json(const struct report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->unwatched_count; i++)
        json_array_append_new(list, json_pack("{so so ss}", "pid",
                                              number(report->unwatched[i].pid, report->unwatched[i].pid > 0),
                                              "exe", json_text(report->unwatched[i].exe), "why",
                                              report->unwatched[i].why));
    return list;
}

static json_t *used_rules_json(const struct report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->used_rule_count; i++) {
        const struct ignore_rule *rule = report->used_rules[i].rule;
        json_array_append_new(list, json_pack("{so so so so sI}", "rule", json_text(rule->text), "label",
                                              json_text(rule->label), "origin", json_text(rule->origin),
                                              "line", number(rule->line, rule->line > 0), "threads",
                                              (json_int_t)report->used_rules[i].threads));
    }
    return list;
}

static json_t *report_as_json(const struct report *report)
{
    json_t *processes = json_array();
    for (size_t i = 0; i < report->process_count; i++)
        json_array_append_new(processes, process_json(&report->processes[i]));
    json_t *summary = json_pack("{sI sI sI sI}", "processes", (json_int_t)report->summary.processes,
                                "leaked_threads", (json_int_t)report->summary.leaked_threads, "leak_sites",
                                (json_int_t)report->summary.leak_sites, "suppressed_threads",
                                (json_int_t)report->summary.suppressed_threads);
    json_t *json =
        json_pack("{ss ss so so so}", "schema", "threadleak/1", "version", THREADLEAK_VERSION, "command",
                  strings_json(report->argv), "summary", summary, "processes", processes);
    if (json && report->timed_out_s > 0)
        json_object_set_new(json, "timed_out", json_true());
    if (json && report->used_rule_count)
        json_object_set_new(json, "suppressions", used_rules_json(report));
    if (json && report->unwatched_count)
        json_object_set_new(json, "unwatched", unwatched_json(report));
    return json;
}

static bool print_json(FILE *out, const struct report *report, const struct report_style *style)
{
    (void)style;
    return json_write(out, report_as_json(report));
}

const struct report_format report_json = {"json", print_json};
