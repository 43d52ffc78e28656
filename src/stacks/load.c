/* Reads a file of current stacks, as hostile input. */
#include "stacks/stacks.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MAX_BYTES (512ul << 20)

static bool load_string(const json_t *json, char **text)
{
    const char *value = json_string_value(json);
    *text = value ? strdup(value) : NULL;
    return !value || *text;
}

/* The JSON document owns the strings of frames. It lives as long as the stacks. */
static bool load_frame(const json_t *json, struct frame *frame)
{
    if (json_array_size(json) != 11)
        return false;
    *frame = (struct frame){
        .pc = (uint64_t)json_integer_value(json_array_get(json, 0)),
        .offset = (uint64_t)json_integer_value(json_array_get(json, 1)),
        .module = json_string_value(json_array_get(json, 2)),
        .build_id = json_string_value(json_array_get(json, 3)),
        .function = json_string_value(json_array_get(json, 4)),
        .file = json_string_value(json_array_get(json, 5)),
        .line = (int)json_integer_value(json_array_get(json, 6)),
        .inlined = json_is_true(json_array_get(json, 7)),
        .runtime = json_is_true(json_array_get(json, 8)),
        .is_return_address = json_is_true(json_array_get(json, 9)),
        .framework = json_is_true(json_array_get(json, 10)),
    };
    return true;
}

static bool load_frames(const json_t *json, struct frame **frames, size_t *count)
{
    *frames = calloc(json_array_size(json) + 1, sizeof(**frames));
    while (*frames && *count < json_array_size(json)) {
        if (!load_frame(json_array_get(json, *count), &(*frames)[*count]))
            return false;
        ++*count;
    }
    return *frames != NULL;
}

static bool load_stack(const json_t *json, struct shared_stack *stack)
{
    stack->stray = (uint64_t)json_integer_value(json_object_get(json, "stray"));
    return load_frames(json_object_get(json, "frames"), &stack->frames, &stack->count) &&
           load_string(json_object_get(json, "incomplete"), &stack->incomplete);
}

static bool load_place(const json_t *json, struct ledger_place *place)
{
    place->pc = (ledger_pc)json_integer_value(json_object_get(json, "pc"));
    place->is_return_address = json_is_true(json_object_get(json, "return"));
    return load_frames(json_object_get(json, "frames"), &place->frames, &place->count);
}

static bool load_places(struct stacks *stacks, const json_t *json)
{
    stacks->places = calloc(json_array_size(json) + 1, sizeof(*stacks->places));
    while (stacks->places && stacks->place_count < json_array_size(json)) {
        size_t at = stacks->place_count++;
        if (!load_place(json_array_get(json, at), &stacks->places[at]))
            return false;
    }
    return stacks->places != NULL;
}

static bool load_strings(const json_t *json, char ***list)
{
    size_t count = json_array_size(json);
    if (!count)
        return true;
    *list = calloc(count + 1, sizeof(**list));
    for (size_t i = 0; *list && i < count; i++)
        if (!((*list)[i] = strdup(json_string_value(json_array_get(json, i)) ?: "?")))
            return false;
    return *list != NULL;
}

static json_int_t number(const json_t *json, const char *key, json_int_t low, json_int_t high)
{
    json_int_t value = json_integer_value(json_object_get(json, key));
    return value < low || value > high ? low : value;
}

static void load_notified(const struct stacks *stacks, const json_t *json, struct notified *notified)
{
    json_int_t value[6];
    for (size_t i = 0; i < 6; i++)
        value[i] = json_integer_value(json_array_get(json, i));
    if (!json || value[0] < NOTIFIED_UNKNOWN || value[0] > NOTIFIED_UNSEEN)
        return;
    *notified = (struct notified){(enum notified_state)value[0],
                                  (uint64_t)value[1],
                                  (uint64_t)value[2],
                                  (uint64_t)value[3],
                                  (uint64_t)value[4],
                                  NULL};
    if (value[5] >= 0 && (size_t)value[5] < stacks->shared_count)
        notified->stack = &stacks->shared[value[5]];
}

static bool load_thread(const struct stacks *stacks, const json_t *json, struct thread_stack *thread)
{
    json_int_t stack = number(json, "stack", -1, (json_int_t)stacks->shared_count - 1);
    *thread = (struct thread_stack){
        .tid = (pid_t)number(json, "tid", 0, INT_MAX),
        .frames = {(uint64_t)json_integer_value(json_object_get(json, "frames")),
                   (uint64_t)json_integer_value(json_object_get(json, "frames_end"))},
        .source = (enum stack_source)number(json, "source", STACK_SOURCE_NONE, STACK_SOURCE_CORE),
        .stack = stack < 0 ? NULL : &stacks->shared[stack],
        .idle_s = json_number_value(json_object_get(json, "idle_s")),
        .owner_id = (uint64_t)number(json, "owner_id", 0, INT64_MAX),
        .later = json_is_true(json_object_get(json, "later")),
        .reach = {.state = (enum reach_state)number(json, "reach", REACH_UNCHECKED, REACH_STUCK),
                  .caveats = (uint32_t)number(json, "caveats", 0, UINT32_MAX)},
        .wait = {.on = (enum wait_on)number(json, "on", WAIT_NONE, WAIT_KINDS - 1),
                 .running = json_is_true(json_object_get(json, "running")),
                 .address = (uint64_t)json_integer_value(json_object_get(json, "address")),
                 .place = (enum object_place)number(json, "place", PLACE_UNKNOWN, PLACE_FILE),
                 .owner = (pid_t)number(json, "owner", 0, INT_MAX),
                 .owner_ended = json_is_true(json_object_get(json, "owner_ended")),
                 .owner_process = (pid_t)number(json, "owner_process", 0, INT_MAX),
                 .owner_may_have_forked = json_is_true(json_object_get(json, "owner_may_have_forked")),
                 .owner_inferred = json_is_true(json_object_get(json, "owner_inferred")),
                 .shared = json_is_true(json_object_get(json, "shared")),
                 .object_length = (int)number(json, "object_length", 0, INT_MAX),
                 .timeout =
                     (enum wait_timeout)number(json, "timeout", WAIT_TIMEOUT_UNKNOWN, WAIT_TIMEOUT_YES),
                 .mutex = (uint64_t)json_integer_value(json_object_get(json, "mutex")),
                 .fd = (int)number(json, "fd", -1, INT_MAX),
                 .left_s = json_number_value(json_object_get(json, "left_s"))},
    };
    load_notified(stacks, json_object_get(json, "notified"), &thread->notified);
    const char *kind = json_string_value(json_object_get(json, "kind"));
    snprintf(thread->wait.kind, sizeof(thread->wait.kind), "%s", kind ? kind : "");
    return load_string(json_object_get(json, "why_none"), &thread->why_none) &&
           load_string(json_object_get(json, "what"), &thread->wait.what) &&
           load_string(json_object_get(json, "mutex_symbol"), &thread->wait.mutex_symbol) &&
           load_string(json_object_get(json, "symbol"), &thread->wait.symbol) &&
           load_string(json_object_get(json, "text"), &thread->wait.text);
}

/* One block, with the strings after the pointers. */
static bool load_argv(const json_t *array, char ***argv)
{
    size_t count = json_array_size(array), size = 0;
    for (size_t i = 0; i < count; i++)
        size += json_string_length(json_array_get(array, i)) + 1;
    if (!count)
        return true;
    if (!(*argv = malloc((count + 1) * sizeof(**argv) + size)))
        return false;
    char *next = (char *)(*argv + count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        (*argv)[i] = next;
        next = stpcpy(next, text ? text : "") + 1;
    }
    (*argv)[count] = NULL;
    return true;
}

static bool load_reach(struct reach_summary *reach, const json_t *json)
{
    *reach = (struct reach_summary){
        .checked = json_is_true(json_object_get(json, "checked")),
        .bytes = (uint64_t)number(json, "bytes", 0, INT64_MAX),
        .copy_ns = (uint64_t)number(json, "copy_ns", 0, INT64_MAX),
        .mark_ns = (uint64_t)number(json, "mark_ns", 0, INT64_MAX),
        .caveats = (uint32_t)number(json, "caveats", 0, UINT32_MAX),
    };
    return load_string(json_object_get(json, "why_not"), &reach->why_not);
}

static bool load_handle(const json_t *json, struct kept_handle *handle)
{
    *handle = (struct kept_handle){
        .handle = (uint64_t)json_integer_value(json_object_get(json, "handle")),
        .lost = json_is_true(json_object_get(json, "lost")),
        .caveats = (uint32_t)number(json, "caveats", 0, UINT32_MAX),
    };
    handle->tid = (pid_t)number(json, "tid", 0, INT32_MAX);
    return load_string(json_object_get(json, "where"), &handle->where) &&
           load_string(json_object_get(json, "function"), &handle->function) &&
           (handle->lost || handle->where);
}

/* False also if they are not in order. */
static bool load_handles(struct stacks *stacks, const json_t *json)
{
    stacks->handles = calloc(json_array_size(json) + 1, sizeof(*stacks->handles));
    while (stacks->handles && stacks->handle_count < json_array_size(json)) {
        size_t at = stacks->handle_count++;
        if (!load_handle(json_array_get(json, at), &stacks->handles[at]) ||
            (at && stacks->handles[at].handle <= stacks->handles[at - 1].handle))
            return false;
    }
    return stacks->handles != NULL;
}

static bool load_passed(struct stacks *stacks, const json_t *json)
{
    stacks->passed = calloc(json_array_size(json) + 1, sizeof(*stacks->passed));
    for (; stacks->passed && stacks->passed_count < json_array_size(json); stacks->passed_count++) {
        const json_t *one = json_array_get(json, stacks->passed_count);
        stacks->passed[stacks->passed_count] = (struct passed_variable){
            (uint64_t)json_integer_value(json_array_get(one, 0)),
            (uint64_t)json_integer_value(json_array_get(one, 1)),
            (ledger_pc)json_integer_value(json_array_get(one, 2)),
            {json_integer_value(json_array_get(one, 3)), json_integer_value(json_array_get(one, 4))}};
    }
    return stacks->passed != NULL;
}

static bool load(struct stacks *stacks, const json_t *json)
{
    const json_t *shared = json_object_get(json, "stacks"), *threads = json_object_get(json, "threads");
    const char *version = json_string_value(json_object_get(json, "version"));
    if (!version || strcmp(version, THREADLEAK_VERSION) != 0)
        return false;
    stacks->moment_ns = (uint64_t)json_integer_value(json_object_get(json, "moment_ns"));
    stacks->shared = calloc(json_array_size(shared) + 1, sizeof(*stacks->shared));
    stacks->threads = calloc(json_array_size(threads) + 1, sizeof(*stacks->threads));
    stacks->symbols_only = json_is_true(json_object_get(json, "symbols_only"));
    stacks->main_is_over = json_is_true(json_object_get(json, "main_is_over"));
    stacks->handles_signals = json_is_true(json_object_get(json, "handles_signals"));
    if (!stacks->shared || !stacks->threads || !load_string(json_object_get(json, "note"), &stacks->note) ||
        !load_argv(json_object_get(json, "argv"), &stacks->argv) ||
        !load_strings(json_object_get(json, "replaced"), &stacks->replaced) ||
        !load_places(stacks, json_object_get(json, "places")) ||
        !load_reach(&stacks->reach, json_object_get(json, "reach")) ||
        !load_handles(stacks, json_object_get(json, "handles")) ||
        !load_passed(stacks, json_object_get(json, "passed")))
        return false;
    while (stacks->shared_count < json_array_size(shared)) {
        size_t at = stacks->shared_count++;
        if (!load_stack(json_array_get(shared, at), &stacks->shared[at]))
            return false;
    }
    while (stacks->count < json_array_size(threads)) {
        size_t at = stacks->count++;
        if (!load_thread(stacks, json_array_get(threads, at), &stacks->threads[at]) ||
            (at && stacks->threads[at].tid <= stacks->threads[at - 1].tid))
            return false;
    }
    return true;
}

struct stacks *stacks_load(const char *path)
{
    size_t length;
    char *text = regular_file_read_here(path, MAX_BYTES, &length);
    json_t *json = text ? json_loadb(text, length, 0, NULL) : NULL;
    struct stacks *stacks = json ? calloc(1, sizeof(*stacks)) : NULL;
    free(text);
    if (!stacks) {
        json_decref(json);
        return NULL;
    }
    stacks->json = json;
    if (load(stacks, json))
        return stacks;
    stacks_free(stacks);
    return NULL;
}
