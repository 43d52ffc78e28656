/*
 * The built-in rules for threads of language runtimes, on threads that were recorded from real programs, and
 * on the users' own beside them: tests/data/runtime_threads.json.  tests/e2e/runtimes.py runs the programs.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/options.h"
#include "suite.h"
#include "suppressions_made.h"

#define FRAMES_MAX 64

static json_t *data;

static void read_data(void)
{
    char file[4096];
    const char *tests = getenv("TL_TESTS");
    json_error_t wrong;
    snprintf(file, sizeof(file), "%s/data/runtime_threads.json", tests ? tests : "tests");
    data = json_load_file(file, 0, &wrong);
    ck_assert_msg(data, "%s: %s", file, wrong.text);
    ck_assert_msg(suppressions_load_built_in(suppressions, &error), "%s", error.text);
}

/* [function, module] or [null, module, offset] */
static struct frame frame_of(const json_t *json)
{
    const json_t *modules = json_object_get(data, "modules");
    json_int_t module = json_integer_value(json_array_get(json, 1));
    struct frame frame = {.function = json_string_value(json_array_get(json, 0)),
                          .offset = (uint64_t)json_integer_value(json_array_get(json, 2))};
    if (module >= 0)
        frame.module = json_string_value(json_array_get(modules, (size_t)module));
    frame_classify(&frame);
    return frame;
}

static size_t read_frames(const json_t *list, struct frame frames[FRAMES_MAX])
{
    size_t count = json_array_size(list);
    ck_assert_uint_le(count, FRAMES_MAX);
    for (size_t i = 0; i < count; i++)
        frames[i] = frame_of(json_array_get(list, i));
    return count;
}

static unsigned kind_of(const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "kind"));
    return !strcmp(name, "running")    ? KIND_RUNNING
           : !strcmp(name, "detached") ? KIND_DETACHED
                                       : KIND_UNJOINED;
}

static const char *label_of(const char *rule)
{
    for (size_t i = 0; rule && i < suppressions_rule_count(suppressions); i++)
        if (strcmp(suppressions_rule_at(suppressions, i)->text, rule) == 0)
            return suppressions_rule_at(suppressions, i)->label + strlen(SUPPRESSION_BUILT_IN_LABEL);
    return NULL;
}

static void check_thread(const json_t *json)
{
    struct frame stack[FRAMES_MAX], current_frames[FRAMES_MAX], begin = {0};
    const json_t *start_json = json_object_get(json, "start");
    if (json_is_array(start_json))
        begin = frame_of(start_json);
    site = (struct suppression_site){.stack = stack,
                                     .stack_count = read_frames(json_object_get(json, "creation"), stack),
                                     .start = json_is_array(start_json) ? &begin : NULL,
                                     .kind = kind_of(json),
                                     .process = json_string_value(json_object_get(json, "exe"))};
    thread = (struct suppression_thread){.name = json_string_value(json_object_get(json, "name")),
                                         .current = current_frames,
                                         .current_count =
                                             read_frames(json_object_get(json, "stack"), current_frames)};
    const char *label = label_of(match()), *expected = json_string_value(json_object_get(json, "label"));
    ck_assert_msg(label == expected || (label && expected && strcmp(label, expected) == 0),
                  "%s, thread %s: %s and not %s", json_string_value(json_object_get(json, "program")),
                  thread.name, label ? label : "no rule", expected ? expected : "no rule");
}

START_TEST(recorded_threads)
{
    read_data();
    const json_t *threads = json_object_get(data, "threads");
    ck_assert_uint_gt(json_array_size(threads), 30);
    for (size_t i = 0; i < json_array_size(threads); i++)
        check_thread(json_array_get(threads, i));
    json_decref(data);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("suppressions_runtimes");
    tcase_add_checked_fixture(tests, ignore_setup, ignore_teardown);
    tcase_add_test(tests, recorded_threads);
    return suite_run("suppressions_runtimes", tests);
}
