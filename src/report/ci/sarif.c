/*
 * The format "sarif": SARIF 2.1.0, which code scanning and editors show.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 *
 * Results are findings, groups that are counted, groups that a rule suppressed (with that rule as the
 * suppression), and, as information, groups of live processes.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "report/common/phrases.h"
#include "report/common/source.h"
#include "report/common/leak_line.h"
#include "report/common/format.h"
#include "report/ci/sarif_findings.h"
#include "report/ci/sarif_location.h"
#include "report/ci/severity.h"
#include "report/common/finding_text.h"
#include "base/text.h"

#define STACKS_MAX 16 /* number of different current stacks of one group */

/* ---- the tool ------------------------------------------------------------------------------- */

static const struct {
    const char *id, *name, *text, *help;
} rules[LEAK_KINDS] = {
    [LEAK_RUNNING] = {"thread.running", "RunningThread",
                      "A joinable thread is still alive and has not been joined",
                      "Make the thread stop, and join it before the program or the test ends."},
    [LEAK_DETACHED] = {"thread.detached", "DetachedThread", "A detached thread is still alive",
                       "A detached thread cannot be joined: keep it joinable, or have it signal its end."},
    [LEAK_UNJOINED] = {"thread.unjoined", "UnjoinedThread",
                       "A joinable thread has ended and has not been joined: its stack is still held",
                       "Join the thread, or detach it."},
};

static json_t *rules_json(const struct report *report)
{
    json_t *array = json_array();
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        append_value(&array,
                     json_pack("{ss ss s{ss} s{ss} s{ss}}", "id", rules[kind].id, "name", rules[kind].name,
                               "shortDescription", "text", rules[kind].text, "help", "text", rules[kind].help,
                               "defaultConfiguration", "level", leak_severity((enum leak_kind)kind)->sarif));
    sarif_append_finding_rules(&array, report);
    return array;
}

static json_t *tool_json(const struct report *report)
{
    return json_pack("{s{ss ss so}}", "driver", "name", "threadleak", "version", THREADLEAK_VERSION, "rules",
                     rules_json(report));
}

/* ---- a result --------------------------------------------------------------------------------- */

static json_t *creation_stack_json(const struct leak_group *group)
{
    return sarif_stack(group->truncated ? "created at (further callers were not recorded)" : "created at",
                       group->stack, group->stack_count, 0);
}

/* "now: T3 "worker" and 4 others in condvar wait on jobs_ready" */
static char *current_stack_text(const struct thread_info *thread, size_t same)
{
    const char *wait = thread->current->wait.text;
    struct line notified = {.length = 0};
    struct text_buffer text;
    FILE *out = text_open(&text);
    if (!out)
        return NULL;
    fputs("now: ", out);
    put_thread_name(out, thread);
    if (same > 1)
        fprintf(out, " and %zu other%s", same - 1, same == 2 ? "" : "s");
    fputs(wait ? " in " : thread->current->wait.running ? " running" : "", out);
    put_escaped(out, wait ? wait : "");
    line_add_notified(&notified, &thread->current->notified);
    put_escaped(out, notified.text);
    return text_close(&text);
}

static json_t *current_stack_json(const struct leak_group *group, const struct thread_info *thread)
{
    const struct shared_stack *stack = thread->current->stack;
    size_t same = 0;
    for (size_t i = 0; i < group->thread_count; i++)
        same += group->threads[i].current && group->threads[i].current->stack == stack;
    char *text = current_stack_text(thread, same);
    json_t *json = text ? sarif_stack(text, stack->frames, stack->count, thread->tid) : NULL;
    free(text);
    return json;
}

static json_t *stacks_json(const struct leak_group *group)
{
    const struct shared_stack *seen[STACKS_MAX];
    size_t count = 0;
    json_t *array = json_array();
    if (group->stack_count)
        json_array_append_new(array, creation_stack_json(group));
    for (size_t i = 0; i < group->thread_count && count < STACKS_MAX; i++) {
        const struct thread_info *thread = &group->threads[i];
        const struct shared_stack *stack = thread->current ? thread->current->stack : NULL;
        bool known = !stack;
        for (size_t j = 0; j < count && !known; j++)
            known = seen[j] == stack;
        if (known)
            continue;
        seen[count++] = stack;
        json_array_append_new(array, current_stack_json(group, thread));
    }
    return array;
}

static json_t *properties_json(const struct process_report *process, const struct leak_group *group)
{
    json_t *threads = json_array();
    for (size_t i = 0; i < group->thread_count; i++)
        json_array_append_new(threads, json_integer((json_int_t)group->threads[i].id));
    return json_pack("{si so so sI so}", "pid", (int)process->pid, "exe", json_text(process->exe), "test",
                     json_text(process->test), "threads", (json_int_t)group->thread_count, "threadIds",
                     threads);
}

/* Viewers follow a result by the newest version that two reports have. */
static json_t *fingerprints_json(const struct leak_group *group)
{
    json_t *json = json_object();
    if (*group->old_fingerprint)
        set_text(&json, "threadleak/v1", group->old_fingerprint);
    set_text(&json, "threadleak/v2", group->fingerprint);
    return json;
}

static bool is_result(const struct process_report *process, const struct leak_group *group)
{
    return group->counted || group->suppressed_by || process->how == END_ALIVE;
}

static json_t *result_json(const struct process_report *process, const struct leak_group *group)
{
    bool finding = group->counted || group->suppressed_by;
    const struct leak_site site = leak_site_of(group);
    char *line = leak_message(&site);
    const struct frame *place = source_frame(group);
    json_t *json = json_object();
    set_text(&json, "ruleId", rules[group->kind].id);
    set_number(&json, "ruleIndex", group->kind);
    set_text(&json, "kind", finding ? "fail" : "informational");
    set_text(&json, "level", finding ? leak_severity(group->kind)->sarif : "none");
    set_value(&json, "message", json_pack("{ss}", "text", line));
    set_value(&json, "locations", sarif_locations(place ? place : creator_frame(group)));
    set_value(&json, "stacks", stacks_json(group));
    set_value(&json, "partialFingerprints", fingerprints_json(group));
    set_value(&json, "properties", properties_json(process, group));
    if (group->suppressed_by)
        set_value(&json, "suppressions", sarif_suppressions(group->suppressed_by));
    free(line);
    return json;
}

static bool has_thread(const struct leak_group *group, uint64_t id)
{
    for (size_t i = 0; i < group->thread_count; i++)
        if (group->threads[i].id == id)
            return true;
    return false;
}

/* A finding that only explains a leak is no result of its own: the message of the leak has it. */
static bool is_in_leak(const struct process_report *process, const struct finding *finding)
{
    if (finding_help_of(finding->code)->verdict || !finding->thread_count)
        return false;
    for (size_t i = 0; i < process->group_count; i++)
        if (is_result(process, &process->groups[i]) &&
            has_thread(&process->groups[i], finding->threads[0].id))
            return true;
    return false;
}

static json_t *results_json(const struct report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        for (size_t j = 0; j < process->findings.count; j++)
            if (!is_in_leak(process, &process->findings.items[j]))
                append_value(&array, sarif_finding(report, process, &process->findings.items[j]));
        for (size_t j = 0; j < process->group_count; j++)
            if (is_result(process, &process->groups[j]))
                json_array_append_new(array, result_json(process, &process->groups[j]));
    }
    return array;
}

/* ---- the run ------------------------------------------------------------------------------------ */

static void add_note(json_t *notes, const char *level, const char *id, const char *text)
{
    json_array_append_new(notes, json_pack("{ss s{ss} s{so}}", "level", level, "descriptor", "id", id,
                                           "message", "text", json_text(text)));
}

static json_t *notes_json(const struct report *report)
{
    char text[PATH_MAX + 200], timeout[TIMEOUT_TEXT_MAX];
    json_t *notes = json_array();
    if (*format_timeout(timeout, report)) {
        snprintf(text, sizeof(text), "%s: threads are shown as they were then%s%s", timeout,
                 *first_verdict(report) ? "; " : "", first_verdict(report));
        add_note(notes, "error", "timeout", text);
    }
    for (size_t i = 0; i < report->unwatched_count; i++) {
        const struct unwatched *child = &report->unwatched[i];
        snprintf(text, sizeof(text), "not watched: %s (pid %d): %s", unwatched_program(child),
                 (int)child->pid, unwatched_why_name(child->why));
        add_note(notes, "warning", "not-watched", text);
    }
    for (size_t i = 0; i < report->process_count; i++) {
        if (!report->processes[i].counts.lost)
            continue;
        snprintf(text, sizeof(text),
                 "pid %d: the ledger was full for %llu creations; more threads may exist than are shown",
                 (int)report->processes[i].pid, (unsigned long long)report->processes[i].counts.lost);
        add_note(notes, "warning", "lost", text);
    }
    return notes;
}

/* executionSuccessful describes threadleak, not the program. */
static json_t *invocation_json(const struct report *report)
{
    json_t *json =
        json_pack("{sb so}", "executionSuccessful", 1, "toolExecutionNotifications", notes_json(report));
    if (json && report->argv) {
        json_t *arguments = json_array();
        for (char **argument = report->argv; *argument; argument++)
            json_array_append_new(arguments, json_text(*argument));
        json_object_set_new(json, "arguments", arguments);
    }
    return json;
}

static bool print_sarif(FILE *out, const struct report *report, const struct report_style *style)
{
    (void)style;
    json_t *run =
        json_pack("{so s[o] so so}", "tool", tool_json(report), "invocations", invocation_json(report),
                  "originalUriBaseIds", sarif_bases(), "results", results_json(report));
    return json_write(out, run ? json_pack("{ss ss s[o]}", "$schema",
                                           "https://json.schemastore.org/sarif-2.1.0.json", "version",
                                           "2.1.0", "runs", run)
                               : NULL);
}

const struct report_format report_sarif = {.name = "sarif", .print = print_sarif};
