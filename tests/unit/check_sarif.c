/* SARIF of made-up reports, as a viewer reads it. tests/e2e/formats.py validates the documents of real runs.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "formats_made.h"
#include "json_at.h"
#include "suite.h"

static json_t *document, *run, *results;

static void read_report(void)
{
    char *text = made_printed_as("sarif");
    json_error_t wrong;
    document = json_loads(text, 0, &wrong);
    ck_assert_msg(document, "line %d: %s", wrong.line, wrong.text);
    free(text);
    run = json_array_get(json_object_get(document, "runs"), 0);
    results = json_object_get(run, "results");
}

static void tear_down(void)
{
    json_decref(document);
}

static json_t *result(size_t i)
{
    return json_array_get(results, i);
}

START_TEST(a_leak_is_a_result)
{
    read_report();
    ck_assert_uint_eq(json_array_size(results), 3);
    json_t *leak = result(0);
    ck_assert_str_eq(json_text_at(leak, "ruleId"), "thread.running");
    ck_assert_str_eq(json_text_at(run, "tool.driver.rules.0.id"), "thread.running");
    ck_assert_int_eq(json_integer_value(json_at(leak, "ruleIndex")), 0);
    ck_assert_str_eq(json_text_at(leak, "level"), "error");
    ck_assert_str_eq(json_text_at(leak, "kind"), "fail");
    ck_assert_str_eq(
        json_text_at(leak, "message.text"),
        "2 running threads, never joined, created by pool_start (src/pool.c:42), run worker_loop");
    ck_assert_str_eq(json_text_at(leak, "partialFingerprints.threadleak/v2"), "9f00000000000001");
    ck_assert_str_eq(json_text_at(leak, "properties.exe"), "/usr/bin/app");
    ck_assert_int_eq(json_integer_value(json_at(leak, "properties.threads")), 2);
    ck_assert_int_eq(json_integer_value(json_at(leak, "properties.threadIds.1")), 4);
    ck_assert_ptr_null(json_object_get(leak, "suppressions"));
}
END_TEST

START_TEST(a_place_is_relative_to_the_sources)
{
    read_report();
    json_t *place = json_at(result(0), "locations.0");
    ck_assert_str_eq(json_text_at(place, "logicalLocations.0.fullyQualifiedName"), "pool_start");
    ck_assert_str_eq(json_text_at(place, "physicalLocation.artifactLocation.uri"), "src/pool.c");
    ck_assert_str_eq(json_text_at(place, "physicalLocation.artifactLocation.uriBaseId"), "%SRCROOT%");
    ck_assert_int_eq(json_integer_value(json_at(place, "physicalLocation.region.startLine")), 42);
    json_t *root = json_object_get(json_at(run, "originalUriBaseIds"), "%SRCROOT%");
    ck_assert(text_begins_with(json_text_at(root, "uri"), "file:///"));
    /* Not below the working directory, and without a source. */
    json_t *frames = json_at(result(0), "stacks.0.frames");
    ck_assert_str_eq(json_text_at(frames, "1.location.physicalLocation.artifactLocation.uri"),
                     "file:///src/main.c");
    ck_assert_str_eq(json_text_at(frames, "2.location.physicalLocation.artifactLocation.uri"),
                     "file:///lib/libc.so.6");
}
END_TEST

START_TEST(stacks_are_those_of_the_creator_and_of_now)
{
    read_report();
    json_t *stacks = json_at(result(0), "stacks");
    ck_assert_uint_eq(json_array_size(stacks), 2);
    ck_assert_str_eq(json_text_at(stacks, "0.message.text"), "created at");
    ck_assert_uint_eq(json_array_size(json_at(stacks, "0.frames")), 3);
    ck_assert_str_eq(json_text_at(stacks, "1.message.text"),
                     "now: T3 \"worker\" and 1 other in condvar wait on jobs_ready, no timeout");
    ck_assert_uint_eq(json_array_size(json_at(stacks, "1.frames")), 2);
    ck_assert_str_eq(json_text_at(stacks, "1.frames.1.module"), "/usr/bin/app");
}
END_TEST

START_TEST(a_suppressed_leak_says_by_which_rule)
{
    read_report();
    ck_assert_str_eq(json_text_at(result(1), "ruleId"), "thread.unjoined");
    ck_assert_str_eq(json_text_at(result(1), "suppressions.0.kind"), "external");
    ck_assert_str_eq(json_text_at(result(1), "suppressions.0.justification"), "thread:pool_start");
}
END_TEST

START_TEST(programs_that_are_not_watched_are_notifications)
{
    read_report();
    json_t *invocation = json_at(run, "invocations.0");
    ck_assert(json_is_true(json_at(invocation, "executionSuccessful")));
    ck_assert_str_eq(json_text_at(invocation, "arguments.1"), "-v");
    json_t *note = json_at(invocation, "toolExecutionNotifications.0");
    ck_assert_str_eq(json_text_at(note, "descriptor.id"), "not-watched");
    ck_assert_str_eq(json_text_at(note, "message.text"), "not watched: /usr/bin/helper (pid 5000): static");
}
END_TEST

START_TEST(a_timeout_is_a_notification_and_live_threads_are_no_failures)
{
    made_timeout();
    read_report();
    json_t *note = json_at(run, "invocations.0.toolExecutionNotifications.0");
    ck_assert_str_eq(json_text_at(note, "descriptor.id"), "timeout");
    ck_assert_str_eq(json_text_at(note, "level"), "error");
    ck_assert_str_eq(json_text_at(note, "message.text"),
                     "timed out after 1.5 s: threads are shown as they were then");
    ck_assert_uint_eq(json_array_size(results), 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_str_eq(json_text_at(result(i), "level"), "none");
        ck_assert_str_eq(json_text_at(result(i), "kind"), "informational");
    }
}
END_TEST

START_TEST(hostile_names_are_escaped)
{
    made_hostile();
    read_report();
    ck_assert_uint_eq(json_array_size(results), 3);
    for (const char *uri = json_text_at(result(0), "locations.0.physicalLocation.artifactLocation.uri"); *uri;
         uri++)
        ck_assert_msg(isalnum((unsigned char)*uri) || strchr("%/.-_~", *uri), "%s", uri);
    for (const char *text = json_text_at(result(0), "message.text"); *text; text++)
        ck_assert_msg((unsigned char)*text >= ' ', "%s", text);
    const char *argument = json_text_at(run, "invocations.0.arguments.0");
    ck_assert(text_begins_with(argument, "a\033[1m\a\x7f\xef\xbf\xbd")); /* no UTF-8: U+FFFD */
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("sarif");
    tcase_add_checked_fixture(tests, formats_set_up, tear_down);
    tcase_add_test(tests, a_leak_is_a_result);
    tcase_add_test(tests, a_place_is_relative_to_the_sources);
    tcase_add_test(tests, stacks_are_those_of_the_creator_and_of_now);
    tcase_add_test(tests, a_suppressed_leak_says_by_which_rule);
    tcase_add_test(tests, programs_that_are_not_watched_are_notifications);
    tcase_add_test(tests, a_timeout_is_a_notification_and_live_threads_are_no_failures);
    tcase_add_test(tests, hostile_names_are_escaped);
    return suite_run("sarif", tests);
}
