#include "report/json/thread.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "report/json/findings.h"

void set_address(json_t **object, const char *key, uint64_t address, bool known)
{
    set_value(object, key, known ? json_sprintf("0x%llx", (unsigned long long)address) : json_null());
}

/* In milliseconds, because the clocks of /proc are coarser than that. */
void set_seconds(json_t **object, const char *key, double seconds)
{
    set_value(object, key, seconds < 0 ? json_null() : json_real(round(seconds * 1000) / 1000));
}

void set_known(json_t **object, const char *key, int64_t number, bool known)
{
    set_value(object, key, known ? json_integer(number) : json_null());
}

void set_positive(json_t **object, const char *key, int64_t number)
{
    set_known(object, key, number, number > 0);
}

json_t *frame_json(const struct frame *frame)
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

json_t *frames_json(const struct frame *frames, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        append_value(&array, frame_json(&frames[i]));
    return array;
}

/* ---- shared stacks ---------------------------------------------------------------------- */

struct common_json common_json_of(const struct process_report *process)
{
    size_t count = process->stacks ? process->stacks->shared_count : 0;
    return (struct common_json){&process->findings, process->stacks, calloc(count + 1, sizeof(json_t *))};
}

void common_json_release(struct common_json *common)
{
    size_t count = common->stacks && common->frames ? common->stacks->shared_count : 0;
    for (size_t i = 0; i < count; i++)
        json_decref(common->frames[i]);
    free(common->frames);
}

static json_t *stack_json(const struct common_json *common, const struct shared_stack *stack)
{
    if (!stack)
        return json_array();
    const struct stacks *stacks = common->stacks;
    if (!common->frames || !stacks || stack < stacks->shared ||
        stack >= stacks->shared + stacks->shared_count)
        return frames_json(stack->frames, stack->count);
    json_t **made = &common->frames[stack - stacks->shared];
    if (!*made)
        *made = frames_json(stack->frames, stack->count);
    return json_incref(*made);
}

/* ---- waits -------------------------------------------------------------------------------- */

static json_t *timeout_json(enum wait_timeout timeout)
{
    return timeout == WAIT_TIMEOUT_UNKNOWN ? json_null() : json_boolean(timeout == WAIT_TIMEOUT_YES);
}

static json_t *notified_json(const struct notified *notified, const struct common_json *common)
{
    static const char *const states[] = {NULL, "never", "by", "unseen"};
    if (notified->state == NOTIFIED_UNKNOWN)
        return json_null();
    json_t *json = json_object();
    set_text(&json, "state", states[notified->state]);
    set_positive(&json, "by", (int64_t)notified->id);
    if (notified->state == NOTIFIED_BY && notified->wait_ns && notified->wait_ns != notified->ns)
        set_value(&json, "before_wait_s",
                  json_real((double)(int64_t)(notified->wait_ns - notified->ns) / 1e9));
    else
        set_value(&json, "before_wait_s", json_null());
    set_value(&json, "frames", stack_json(common, notified->stack));
    return json;
}

static json_t *waiting_json(const struct thread_stack *current, const struct common_json *common)
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
    set_value(&json, "notified", notified_json(&current->notified, common));
    return json;
}

/* ---- threads ------------------------------------------------------------------------------ */

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

json_t *thread_json(const struct thread_info *thread, const char *kind, const struct common_json *common)
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
    set_value(&json, "stack", stack_json(common, current ? current->stack : NULL));
    set_text(&json, "stack_source", stack_source_name(current ? current->source : STACK_SOURCE_NONE));
    set_text(&json, "stack_note", stack_note(current));
    set_value(&json, "waiting", waiting_json(current, common));
    set_seconds(&json, "idle_s", current ? current->idle_s : -1);
    if (thread->test)
        set_text(&json, "test", thread->test);
    if (thread->fault)
        set_value(&json, "fault", fault_json(thread));
    set_value(&json, "findings", findings_json(common->findings, thread, 1));
    return json;
}
