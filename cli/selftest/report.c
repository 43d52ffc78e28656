#include "cli/selftest/report.h"

#include <string.h>

json_t *selftest_parse(const char *text)
{
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    const char *schema = json_string_value(json_object_get(json, "schema"));
    if (schema && !strcmp(schema, "threadleak/1"))
        return json;
    json_decref(json);
    return NULL;
}

long selftest_number(const json_t *json, const char *keys)
{
    char key[64];
    while (*keys) {
        size_t length = strcspn(keys, ".");
        if (length >= sizeof(key))
            return -1;
        memcpy(key, keys, length);
        key[length] = '\0';
        json = json_object_get(json, key);
        keys += length + (keys[length] == '.');
    }
    return json_is_integer(json) ? (long)json_integer_value(json) : -1;
}

const json_t *selftest_find(const json_t *report, const char *kind, long count)
{
    size_t i, j;
    json_t *process, *leak;
    json_array_foreach(json_object_get(report, "processes"), i, process)
    {
        json_array_foreach(json_object_get(process, "leaks"), j, leak)
        {
            const char *found = json_string_value(json_object_get(leak, "kind"));
            if (found && !strcmp(found, kind) && selftest_number(leak, "count") == count)
                return leak;
        }
    }
    return NULL;
}

const json_t *selftest_frame(const json_t *frames, const char *function)
{
    size_t i;
    json_t *frame;
    json_array_foreach(frames, i, frame)
    {
        const char *name = json_string_value(json_object_get(frame, "function"));
        if (name && !strcmp(name, function))
            return frame;
    }
    return NULL;
}

const char *selftest_source(const json_t *leak)
{
    const json_t *thread = json_array_get(json_object_get(leak, "threads"), 0);
    const char *source = json_string_value(json_object_get(thread, "stack_source"));
    return source ? source : "none";
}

const char *selftest_stacks_note(const json_t *report)
{
    size_t i;
    json_t *process;
    json_array_foreach(json_object_get(report, "processes"), i, process)
    {
        const char *note = json_string_value(json_object_get(process, "stacks_note"));
        if (note)
            return note;
    }
    return "";
}
