#include "report/ci/sarif_findings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "report/ci/sarif_location.h"
#include "report/common/finding_text.h"
#include "report/common/source.h"

static bool occurs(const struct report *report, enum finding_code code)
{
    for (size_t i = 0; i < report->process_count; i++)
        for (size_t j = 0; j < report->processes[i].findings.count; j++)
            if (report->processes[i].findings.items[j].code == code)
                return true;
    return false;
}

/* "thread.dead-owner", and "DeadOwner" */
struct finding_rule {
    char id[48], name[48];
};

static struct finding_rule finding_rule_of(enum finding_code code)
{
    struct finding_rule rule = {.name = ""};
    char *to = rule.name;
    bool upper = true;
    snprintf(rule.id, sizeof(rule.id), "thread.%s", finding_name(code));
    for (const char *at = finding_name(code); *at; at++) {
        if (*at != '-')
            *to++ = (char)(upper ? *at - 'a' + 'A' : *at);
        upper = *at == '-';
    }
    return rule;
}

/* Only the rules of findings that occur are listed. */
static int finding_rule_index(const struct report *report, enum finding_code code)
{
    int index = LEAK_KINDS;
    for (int before = 0; before < (int)code; before++)
        index += occurs(report, (enum finding_code)before);
    return index;
}

void sarif_append_finding_rules(json_t **array, const struct report *report)
{
    for (int code = 0; code < FINDING_CODES; code++) {
        const struct finding_help *help = finding_help_of((enum finding_code)code);
        const struct finding_rule rule = finding_rule_of((enum finding_code)code);
        if (occurs(report, (enum finding_code)code))
            append_value(array, json_pack("{ss ss s{ss} s{ss} s{ss} s{ss}}", "id", rule.id, "name", rule.name,
                                          "shortDescription", "text", help->meaning, "fullDescription",
                                          "text", help->sure, "help", "text", help->next,
                                          "defaultConfiguration", "level", "error"));
    }
}

json_t *sarif_suppressions(const char *suppressed_by)
{
    return json_pack("[{ss so}]", "kind", "external", "justification", json_text(suppressed_by));
}

static json_t *related_json(const struct finding *finding)
{
    json_t *array = json_array();
    for (size_t i = 0; i < finding->fact_count; i++) {
        const struct finding_fact *fact = &finding->facts[i];
        if (fact->at)
            append_value(&array, sarif_location(fact->at, fact->text));
    }
    return array;
}

static json_t *finding_properties(const struct process_report *process, const struct finding *finding)
{
    json_t *threads = json_array();
    for (size_t i = 0; i < finding->thread_count; i++)
        if (finding->threads[i].id)
            append_value(&threads, json_integer((json_int_t)finding->threads[i].id));
    return json_pack("{si so ss so}", "pid", (int)process->pid, "exe", json_text(process->exe), "level",
                     finding_level_name(finding->level), "threadIds", threads);
}

json_t *sarif_finding(const struct report *report, const struct process_report *process,
                      const struct finding *finding)
{
    static const char *const levels[FINDING_LEVELS] = {
        [FINDING_NOTE] = "note", [FINDING_LIKELY] = "warning", [FINDING_PROVED] = "error"};
    const struct finding_rule rule = finding_rule_of(finding->code);
    char *line = finding_line(finding);
    json_t *json = json_object();
    set_text(&json, "ruleId", rule.id);
    set_number(&json, "ruleIndex", finding_rule_index(report, finding->code));
    set_text(&json, "kind", "fail");
    set_text(&json, "level", levels[finding->level]);
    set_value(&json, "message", json_pack("{ss}", "text", line));
    set_value(&json, "locations", sarif_locations(finding_place(finding)));
    set_value(&json, "relatedLocations", related_json(finding));
    set_value(&json, "partialFingerprints", json_pack("{ss}", "threadleak/v2", finding->fingerprint));
    set_value(&json, "properties", finding_properties(process, finding));
    if (finding->suppressed_by)
        set_value(&json, "suppressions", sarif_suppressions(finding->suppressed_by));
    free(line);
    return json;
}
