#include "report/json/findings.h"

#include "base/json.h"
#include "base/text.h"
#include "report/common/phrases.h"

static json_t *fact_json(const struct finding_fact *fact)
{
    char function[512], place[512];
    if (!fact->at)
        return json_text(fact->text);
    format_function(function, sizeof(function), fact->at, SIZE_MAX);
    format_place(place, sizeof(place), fact->at, true);
    struct line line = {.length = 0};
    line_add(&line, "%s, at %s (%s)", fact->text, function, place);
    return json_text(line.text);
}

struct named {
    json_t *ids, *tids;
};

static void add_thread(struct named *named, uint64_t id, pid_t tid)
{
    if (id) /* only tracked threads and the main thread have a T-number */
        append_value(&named->ids, json_integer((json_int_t)id));
    append_value(&named->tids, json_integer(tid));
}

static json_t *finding_json(const struct finding *finding, struct named *named, json_t *facts)
{
    json_t *json = json_object();
    set_text(&json, "code", finding_name(finding->code));
    set_text(&json, "level", finding_level_name(finding->level));
    set_text(&json, "text", finding->text);
    set_value(&json, "threads", named->ids);
    set_value(&json, "tids", named->tids);
    set_text(&json, "pattern", finding->pattern);
    set_value(&json, "evidence", facts);
    set_text(&json, "fingerprint", finding->fingerprint);
    if (finding->suppressed_by)
        set_text(&json, "suppressed_by", finding->suppressed_by);
    if (finding->reason)
        set_text(&json, "baseline_reason", finding->reason);
    return json;
}

static json_t *of_process(const struct finding *finding)
{
    struct named named = {json_array(), json_array()};
    json_t *facts = json_array();
    for (size_t i = 0; i < finding->thread_count; i++)
        add_thread(&named, finding->threads[i].id, finding->threads[i].tid);
    for (size_t i = 0; i < finding->fact_count; i++)
        append_value(&facts, fact_json(&finding->facts[i]));
    return finding_json(finding, &named, facts);
}

static bool names_one_of(const struct finding *finding, const struct thread_info *threads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (finding_names(finding, threads[i].id, threads[i].tid))
            return true;
    return false;
}

static json_t *of_threads(const struct finding *finding, const struct thread_info *threads, size_t count)
{
    struct named named = {json_array(), json_array()};
    for (size_t i = 0; i < count; i++)
        if (finding_names(finding, threads[i].id, threads[i].tid))
            add_thread(&named, threads[i].id, threads[i].tid);
    return finding_json(finding, &named, json_array());
}

json_t *findings_json(const struct findings *findings, const struct thread_info *threads, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (!threads)
            append_value(&list, of_process(finding));
        else if (names_one_of(finding, threads, count))
            append_value(&list, of_threads(finding, threads, count));
    }
    return list;
}
