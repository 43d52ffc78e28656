/* Writes current stacks to a file; load.c reads them. */
#include "stacks/stacks.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"

static json_t *string(const char *text)
{
    json_t *json = text ? json_string(text) : NULL;
    return json ? json : json_null(); /* also for text that is not UTF-8 */
}

static json_t *save_frame(const struct frame *frame)
{
    return json_pack("[I I o o o o i b b b b]", (json_int_t)frame->pc, (json_int_t)frame->offset,
                     string(frame->module), string(frame->build_id), string(frame->function),
                     string(frame->file), frame->line, frame->inlined, frame->runtime,
                     frame->is_return_address, frame->framework);
}

static json_t *save_frames(const struct frame *frames, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        append_value(&array, save_frame(&frames[i]));
    return array;
}

static json_t *save_place(const struct ledger_place *place)
{
    return json_pack("{sI sb so}", "pc", (json_int_t)place->pc, "return", place->is_return_address, "frames",
                     save_frames(place->frames, place->count));
}

static json_t *save_stack(const struct shared_stack *stack)
{
    return json_pack("{so so sI}", "frames", save_frames(stack->frames, stack->count), "incomplete",
                     string(stack->incomplete), "stray", (json_int_t)stack->stray);
}

static json_t *save_notified(const struct stacks *stacks, const struct notified *notified)
{
    return json_pack("[i I I I I I]", notified->state, (json_int_t)notified->id,
                     (json_int_t)notified->notifiers, (json_int_t)notified->ns, (json_int_t)notified->wait_ns,
                     (json_int_t)(notified->stack ? notified->stack - stacks->shared : -1));
}

static json_t *save_thread(const struct stacks *stacks, const struct thread_stack *thread)
{
    const struct wait *wait = &thread->wait;
    json_t *json = json_object();
    set_number(&json, "tid", thread->tid);
    set_number(&json, "frames", (int64_t)thread->frames.start);
    set_number(&json, "frames_end", (int64_t)thread->frames.end);
    set_number(&json, "source", thread->source);
    set_number(&json, "stack", thread->stack ? thread->stack - stacks->shared : -1);
    set_value(&json, "why_none", string(thread->why_none));
    set_number(&json, "on", wait->on);
    set_bool(&json, "running", wait->running);
    set_number(&json, "address", (int64_t)wait->address);
    set_number(&json, "place", wait->place);
    set_value(&json, "symbol", string(wait->symbol));
    set_number(&json, "owner", wait->owner);
    set_bool(&json, "owner_ended", wait->owner_ended);
    set_number(&json, "owner_process", wait->owner_process);
    set_bool(&json, "owner_may_have_forked", wait->owner_may_have_forked);
    set_bool(&json, "owner_inferred", wait->owner_inferred);
    set_bool(&json, "shared", wait->shared);
    set_number(&json, "object_length", wait->object_length);
    set_number(&json, "timeout", wait->timeout);
    set_value(&json, "left_s", json_real(wait->left_s));
    set_value(&json, "text", string(wait->text));
    set_value(&json, "what", string(wait->what));
    set_value(&json, "kind", json_string(wait->kind));
    set_number(&json, "mutex", (int64_t)wait->mutex);
    set_value(&json, "mutex_symbol", string(wait->mutex_symbol));
    set_number(&json, "fd", wait->fd);
    if (thread->notified.state != NOTIFIED_UNKNOWN)
        set_value(&json, "notified", save_notified(stacks, &thread->notified));
    set_value(&json, "idle_s", json_real(thread->idle_s));
    set_number(&json, "owner_id", (int64_t)thread->owner_id);
    set_bool(&json, "later", thread->later);
    set_number(&json, "reach", thread->reach.state);
    set_number(&json, "caveats", thread->reach.caveats);
    return json;
}

static json_t *save_strings(char *const *argv)
{
    json_t *array = json_array();
    for (; argv && *argv; argv++)
        append_value(&array, string(*argv));
    return array;
}

static json_t *save_reach(const struct reach_summary *reach)
{
    json_t *json = json_object();
    set_bool(&json, "checked", reach->checked);
    set_value(&json, "why_not", string(reach->why_not));
    set_number(&json, "bytes", (int64_t)reach->bytes);
    set_number(&json, "copy_ns", (int64_t)reach->copy_ns);
    set_number(&json, "mark_ns", (int64_t)reach->mark_ns);
    set_number(&json, "caveats", reach->caveats);
    return json;
}

static json_t *save_handle(const struct kept_handle *handle)
{
    return json_pack("{sI sb sI so so si}", "handle", (json_int_t)handle->handle, "lost", handle->lost,
                     "caveats", (json_int_t)handle->caveats, "where", string(handle->where), "function",
                     string(handle->function), "tid", (int)handle->tid);
}

static json_t *save_handles(const struct stacks *stacks)
{
    json_t *array = json_array();
    for (size_t i = 0; i < stacks->handle_count; i++)
        append_value(&array, save_handle(&stacks->handles[i]));
    return array;
}

static json_t *save_passed(const struct stacks *stacks)
{
    json_t *array = json_array();
    for (size_t i = 0; i < stacks->passed_count; i++) {
        const struct passed_variable *one = &stacks->passed[i];
        append_value(&array, json_pack("[I I I I I]", (json_int_t)one->argument, (json_int_t)one->created_by,
                                       (json_int_t)one->call, (json_int_t)one->place.from_cfa,
                                       (json_int_t)one->place.from_sp));
    }
    return array;
}

static json_t *save(const struct stacks *stacks)
{
    json_t *shared = json_array(), *threads = json_array(), *places = json_array();
    for (size_t i = 0; i < stacks->place_count; i++)
        append_value(&places, save_place(&stacks->places[i]));
    for (size_t i = 0; i < stacks->shared_count; i++)
        append_value(&shared, save_stack(&stacks->shared[i]));
    for (size_t i = 0; i < stacks->count; i++)
        append_value(&threads, save_thread(stacks, &stacks->threads[i]));
    return json_pack("{ss sI sb sb sb so so so so so so so so so}", "version", THREADLEAK_VERSION,
                     "moment_ns", (json_int_t)stacks->moment_ns, "symbols_only", stacks->symbols_only,
                     "main_is_over", stacks->main_is_over, "handles_signals", stacks->handles_signals, "note",
                     string(stacks->note), "argv", save_strings(stacks->argv), "replaced",
                     save_strings(stacks->replaced), "places", places, "stacks", shared, "threads", threads,
                     "reach", save_reach(&stacks->reach), "handles", save_handles(stacks), "passed",
                     save_passed(stacks));
}

bool stacks_save(const struct stacks *stacks, const char *path)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return false;
    json_t *json = save(stacks);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool done = json && fd >= 0 && json_dumpfd(json, fd, JSON_COMPACT) == 0 && rename(temporary, path) == 0;
    if (fd >= 0) {
        close(fd);
        if (!done)
            unlink(temporary);
    }
    json_decref(json);
    return done;
}
