#include "report/html/share.h"

#include <stdlib.h>

bool shared_values_make(struct shared_values *shared)
{
    *shared = (struct shared_values){json_array(), json_object()};
    return shared->values && shared->places;
}

/* The index of an equal value, or of this one, which is added. NULL: out of memory. */
static json_t *index_of(struct shared_values *shared, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *index = text ? json_object_get(shared->places, text) : NULL;
    if (text && !index) {
        index = json_integer((json_int_t)json_array_size(shared->values));
        bool added = index && json_object_set_new(shared->places, text, index) == 0 &&
                     json_array_append(shared->values, value) == 0;
        index = added ? index : NULL;
    }
    free(text);
    return index;
}

/* Replaces a member that is an object or an array. */
static bool share_member(json_t *object, const char *key, struct shared_values *shared)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_object(value) && !json_is_array(value))
        return true;
    json_t *index = index_of(shared, value);
    return index && json_object_set(object, key, index) == 0;
}

/* Threads with equal stacks have one array, whose frames were replaced for the first of them. */
static bool share_frames(json_t *object, const char *key, struct shared_values *frames)
{
    json_t *stack = json_object_get(object, key);
    if (json_is_integer(json_array_get(stack, 0)))
        return true;
    for (size_t i = 0; i < json_array_size(stack); i++) {
        json_t *index = index_of(frames, json_array_get(stack, i));
        if (!index || json_array_set(stack, i, index) != 0)
            return false;
    }
    return true;
}

/* A finding of a thread names only this thread. Without that, the findings of many threads are equal. */
static void remove_own_name(json_t *findings)
{
    size_t i;
    json_t *finding;
    json_array_foreach(findings, i, finding)
    {
        json_object_del(finding, "threads");
        json_object_del(finding, "tids");
    }
}

static bool share_thread(json_t *thread, struct shared_values *values, struct shared_values *frames)
{
    remove_own_name(json_object_get(thread, "findings"));
    return share_frames(thread, "stack", frames) && share_member(thread, "stack", values) &&
           share_member(thread, "waiting", values) && share_member(thread, "findings", values);
}

static bool share_threads(json_t *threads, struct shared_values *values, struct shared_values *frames)
{
    size_t i;
    json_t *thread;
    json_array_foreach(threads, i, thread)
    {
        if (!share_thread(thread, values, frames))
            return false;
    }
    return true;
}

static bool share_group(json_t *group, struct shared_values *values, struct shared_values *frames)
{
    return share_frames(group, "creation_stack", frames) && share_member(group, "start_routine", frames) &&
           share_member(group, "own", frames) && share_member(group, "joined_at", frames) &&
           share_threads(json_object_get(group, "threads"), values, frames);
}

static bool share_process(json_t *process, struct shared_values *values, struct shared_values *frames)
{
    size_t i;
    json_t *group, *main_thread = json_object_get(process, "main");
    json_array_foreach(json_object_get(process, "leaks"), i, group)
    {
        if (!share_group(group, values, frames))
            return false;
    }
    return (!json_is_object(main_thread) || share_thread(main_thread, values, frames)) &&
           share_threads(json_object_get(process, "untracked"), values, frames);
}

bool share_report(json_t *report, struct shared_values *values, struct shared_values *frames)
{
    size_t i;
    json_t *process;
    json_array_foreach(json_object_get(report, "processes"), i, process)
    {
        if (!share_process(process, values, frames))
            return false;
    }
    return true;
}
