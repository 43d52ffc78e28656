#include "report/json/group.h"

#include "base/json.h"
#include "report/json/findings.h"
#include "report/json/thread.h"

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

json_t *group_json(const struct leak_group *group, const struct common_json *common)
{
    json_t *json = json_object(), *threads = json_array();
    for (size_t i = 0; i < group->thread_count; i++)
        append_value(&threads, thread_json(&group->threads[i], leak_kind_name(group->kind), common));
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
    set_value(&json, "findings", findings_json(common->findings, group->threads, group->thread_count));
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

json_t *failed_json(const struct process_report *process)
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
