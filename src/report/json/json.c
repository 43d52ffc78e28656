/* The format "json": schema threadleak/1.  Later versions add keys; they never change or remove one. */
#include "report/json/json.h"

#include "base/json.h"
#include "report/common/format.h"
#include "report/json/process.h"
#include "report/json/thread.h"
#include "suppress/suppress.h"

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
