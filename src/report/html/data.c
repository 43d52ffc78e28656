#include "report/html/data.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "report/html/share.h"
#include "report/json/json.h"
#include "report/html/source_lines.h"

enum { LIFE_ENDED = 1, LIFE_DETACHED = 2, LIFE_JOINED = 4, LIFE_RELEASED = 8 };

/* Of processes with more, the page shows the first. */
#define WAITS_MAX 20000

/* ---- the lives of threads ------------------------------------------------------------- */

/* Below zero: unknown. To 10 us: threads of short lives are to be seen. */
static json_t *seconds_json(double seconds)
{
    return seconds < 0 ? json_null() : json_real(round(seconds * 1e5) / 1e5);
}

static json_t *place_json(const struct frame *frame)
{
    json_t *json = json_object();
    set_text(&json, "function", frame->function);
    set_text(&json, "module", frame->module);
    set_text(&json, "file", frame->file);
    set_number(&json, "line", frame->line);
    return json;
}

/* The index of the start routine. Most threads have that of the thread before them. */
static json_t *start_index(json_t **starts, const struct frame **known, const struct frame *frame)
{
    if (!frame)
        return json_null();
    if (frame != *known)
        append_value(starts, place_json(frame));
    *known = frame;
    return json_integer((json_int_t)json_array_size(*starts) - 1);
}

static int state_of(const struct thread_life *life)
{
    return (life->ended ? LIFE_ENDED : 0) | (life->detached ? LIFE_DETACHED : 0) |
           (life->joined ? LIFE_JOINED : 0) | (life->released ? LIFE_RELEASED : 0);
}

static json_t *life_json(const struct thread_life *life, json_t *start)
{
    json_t *row = json_array();
    append_value(&row, json_integer((json_int_t)life->id));
    append_value(&row, json_integer(life->tid));
    append_value(&row, seconds_json(life->created_s));
    append_value(&row, seconds_json(life->ended_s));
    append_value(&row, seconds_json(life->joined_s));
    append_value(&row, json_integer(state_of(life)));
    append_value(&row, json_text(*life->name ? life->name : NULL));
    append_value(&row, start);
    return row;
}

static void set_lives(json_t **json, const struct process_report *process)
{
    json_t *lives = json_array(), *starts = json_array();
    const struct frame *known = NULL;
    for (size_t i = 0; i < process->life_count; i++) {
        const struct thread_life *life = &process->lives[i];
        append_value(&lives, life_json(life, start_index(&starts, &known, life->start)));
    }
    set_value(json, "lives", lives);
    set_value(json, "starts", starts);
}

/* ---- waits ---------------------------------------------------------------------------- */

static json_t *wait_json(const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    json_t *json = json_object();
    set_number(&json, "tid", thread->tid);
    set_number(&json, "owner", wait->owner);
    if (thread->owner_id)
        set_number(&json, "owner_id", (int64_t)thread->owner_id);
    if (wait->owner_ended)
        set_bool(&json, "owner_ended", true);
    if (wait->timeout == WAIT_TIMEOUT_YES)
        set_bool(&json, "timeout", true);
    set_text(&json, "on", wait_on_name(wait->on));
    set_text(&json, "what", wait->what);
    set_text(&json, "object", wait->symbol);
    return json;
}

static json_t *waits_json(const struct stacks *stacks)
{
    json_t *list = json_array();
    for (size_t i = 0; stacks && i < stacks->count && i < WAITS_MAX; i++) {
        const struct wait *wait = &stacks->threads[i].wait;
        if (wait->on != WAIT_NONE && (wait->owner > 0 || wait->owner_ended))
            append_value(&list, wait_json(&stacks->threads[i]));
    }
    return list;
}

/* ---- findings --------------------------------------------------------------------------- */

static json_t *facts_json(const struct finding *finding)
{
    json_t *list = json_array();
    for (size_t i = 0; i < finding->fact_count; i++) {
        const struct finding_fact *fact = &finding->facts[i];
        append_value(&list,
                     json_pack("[oo]", json_text(fact->text), fact->at ? place_json(fact->at) : json_null()));
    }
    return list;
}

static json_t *evidence_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++)
        append_value(&list, facts_json(&findings->items[i]));
    return list;
}

/* ---- frames of runtimes ----------------------------------------------------------------- */

static void add_runtime(json_t **set, const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char key[1024];
        if (!frames[i].runtime)
            continue;
        snprintf(key, sizeof(key), "0x%llx %s", (unsigned long long)frames[i].pc,
                 frames[i].function ? frames[i].function : "");
        json_t *text = json_text(key);
        const char *clean = json_string_value(text);
        if (!clean || !json_object_get(*set, clean))
            set_value(set, clean ? clean : "", json_true());
        json_decref(text);
    }
}

static json_t *runtime_json(const struct process_report *process)
{
    json_t *set = json_object(), *list = json_array();
    const char *key;
    json_t *value;
    for (size_t i = 0; i < process->group_count; i++)
        add_runtime(&set, process->groups[i].stack, process->groups[i].stack_count);
    for (size_t i = 0; process->stacks && i < process->stacks->shared_count; i++)
        add_runtime(&set, process->stacks->shared[i].frames, process->stacks->shared[i].count);
    json_object_foreach(set, key, value)
    {
        append_value(&list, json_string(key));
    }
    json_decref(set);
    return list;
}

/* ---- all of it -------------------------------------------------------------------------- */

static json_t *process_json(const struct process_report *process)
{
    json_t *json = json_object();
    uint64_t began = process->started_wall_ns;
    set_value(&json, "began_ms", began ? json_integer((json_int_t)(began / 1000000)) : json_null());
    set_value(&json, "moment_s", seconds_json(process->moment_s));
    set_lives(&json, process);
    set_value(&json, "waits", waits_json(process->stacks));
    set_value(&json, "evidence", evidence_json(&process->findings));
    set_value(&json, "runtime", runtime_json(process));
    return json;
}

static json_t *make_data(json_t *report, struct shared_values *values, struct shared_values *frames,
                         const struct report *model)
{
    json_t *json = json_object(), *processes = json_array();
    for (size_t i = 0; i < model->process_count; i++)
        append_value(&processes, process_json(&model->processes[i]));
    set_value(&json, "report", json_incref(report));
    set_value(&json, "shared", json_incref(values->values));
    set_value(&json, "frames", json_incref(frames->values));
    set_value(&json, "processes", processes);
    set_value(&json, "sources", source_lines(model));
    return json;
}

json_t *html_data(const struct report *report)
{
    struct shared_values values = {NULL, NULL}, frames = {NULL, NULL};
    json_t *json = report_to_json(report), *data = NULL;
    if (json && shared_values_make(&values) && shared_values_make(&frames) &&
        share_report(json, &values, &frames))
        data = make_data(json, &values, &frames, report);
    json_decref(json);
    json_decref(values.values);
    json_decref(values.places);
    json_decref(frames.values);
    json_decref(frames.places);
    return data;
}
