/* The format "json". */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_at.h"
#include "report_made.h"
#include "suite.h"

/* ---- JSON ----------------------------------------------------------------------------------------- */

static size_t until_failure;

static void *fail_once(size_t size)
{
    return until_failure-- ? malloc(size) : NULL;
}

/* When memory runs out, print fails; it never leaves out a part of the document. */
START_TEST(json_without_memory)
{
    const struct report_style style = {.all = true};
    char *whole = printed(&report_json, style), *text;
    size_t size, failed = 0;
    bool done = false;
    for (; !done; failed += !done) {
        FILE *out = open_memstream(&text, &size);
        until_failure = failed;
        json_set_alloc_funcs(fail_once, free);
        done = report_print(&report_json, out, &report, &style);
        json_set_alloc_funcs(malloc, free);
        fclose(out);
        ck_assert_msg(!done || strcmp(text, whole) == 0, "after %zu allocations:\n%s", failed, text);
        free(text);
    }
    ck_assert_uint_gt(failed, 100);
    free(whole);
}
END_TEST

START_TEST(json_of_all)
{
    static struct thread_info task = {.tid = 4250, .name = "iou-wrk-1"};
    static struct leak_group groups[2];
    groups[0] = groups[1] = one_group[0];
    plain_stack[0].file = "/src/app/pool.c";
    plain_stack[1].file = "/src/app/main.c";
    plain_stack[0].inlined = true;
    groups[0].joined_at = &plain_stack[1];
    groups[1].kind = LEAK_UNJOINED;
    groups[1].counted = false;
    groups[1].suppressed_by = "thread:pool_start";
    groups[1].truncated = true;
    groups[1].thread_count = 1;
    one_process[0].groups = groups;
    one_process[0].group_count = 2;
    one_process[0].untracked = &task;
    one_process[0].untracked_count = one_process[0].counts.untracked = 1;
    one_process[0].counts.lost = 3;
    report.summary.suppressed_threads = 1;
    json_is("all");
}
END_TEST

/* What is not known is null. */
START_TEST(json_of_nothing_known)
{
    static struct frame nothing;
    static struct thread_info thread = {.id = 2, .age_s = -1, .ended_s = -1, .cpu_s = -1};
    one_group[0] = (struct leak_group){.kind = LEAK_DETACHED,
                                       .fingerprint = "9f00000000000002",
                                       .stack = &nothing,
                                       .stack_count = 1,
                                       .threads = &thread,
                                       .thread_count = 1};
    one_process[0] = (struct process_report){
        .pid = 4242, .watched = true, .how = END_SIGNAL, .groups = one_group, .group_count = 1};
    report.argv = NULL;
    json_is("unknown");
}
END_TEST

START_TEST(json_ends)
{
    static const struct {
        enum end_how how;
        int signal;
        bool status_known;
        const char *json;
    } ends[] = {
        {END_EXEC, 0, false, "{'how': 'exec', 'status': null, 'signal': null, 'judged': false}"},
        {END_SIGNAL, 11, false, "{'how': 'signal', 'status': null, 'signal': 11, 'judged': false}"},
        {END_ALIVE, 0, false, "{'how': 'alive', 'status': null, 'signal': null, 'judged': false}"},
        {END__EXIT, 0, true, "{'how': '_exit', 'status': 7, 'signal': null, 'judged': false}"},
        {END_QUICK_EXIT, 0, true, "{'how': 'quick_exit', 'status': 7, 'signal': null, 'judged': false}"}};
    one_process[0].judged = false;
    one_process[0].status = 7;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        one_process[0].how = ends[i].how;
        one_process[0].signal = ends[i].signal;
        one_process[0].status_known = ends[i].status_known;
        json_t *json = report_parsed();
        json_at_is(json, "processes.0.end", ends[i].json);
        json_decref(json);
    }
}
END_TEST

START_TEST(json_of_no_process)
{
    report.process_count = 0;
    json_t *json = report_parsed();
    json_at_is(json, "processes", "[]");
    json_at_is(json, "command", "['./app', '-v']");
    json_decref(json);
}
END_TEST

/* Each byte that is not part of a well-formed character is U+FFFD. */
START_TEST(json_is_always_utf8)
{
    /* Lone, cut off, overlong, a surrogate, above U+10FFFF; and what is well-formed. */
    static char *argv[] = {"\xff", "a\xc3",      "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                           "ö€😀",  "\033\n\"\\", NULL};
    static struct thread_info task = {.tid = 4250, .name = "\xe2\x82"};
    strcpy(two[0].name, "bad \xe9 name");
    plain_stack[0].function = "f\xfe";
    plain_stack[0].file = "/src/\xfd.c";
    plain_stack[1].file = NULL;
    plain_stack[1].module = "/lib/\xfc.so";
    one_process[0].argv = report.argv = argv;
    one_process[0].exe = "/usr/bin/\xfb";
    one_process[0].untracked = &task;
    one_process[0].untracked_count = one_process[0].counts.untracked = 1;
    json_t *json = report_parsed(), *process = json_at(json, "processes.0");
    json_at_is(process, "command", "['�', 'a�', '��', '���', '����', 'ö€😀', '\\u001b\\n\\\"\\\\']");
    json_at_is(json, "command", "['�', 'a�', '��', '���', '����', 'ö€😀', '\\u001b\\n\\\"\\\\']");
    json_at_is(process, "exe", "'/usr/bin/�'");
    json_at_is(process, "leaks.0.threads.0.name", "'bad � name'");
    json_at_is(process, "leaks.0.creation_stack.0.function", "'f�'");
    json_at_is(process, "leaks.0.creation_stack.0.file", "'/src/�.c'");
    json_at_is(process, "leaks.0.creation_stack.1.module", "'/lib/�.so'");
    json_at_is(process, "untracked.0.name", "'��'");
    json_decref(json);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("report_json");
    tcase_add_checked_fixture(tests, report_set_up, NULL);
    tcase_add_test(tests, json_of_all);
    tcase_add_test(tests, json_without_memory);
    tcase_add_test(tests, json_of_nothing_known);
    tcase_add_test(tests, json_ends);
    tcase_add_test(tests, json_of_no_process);
    tcase_add_test(tests, json_is_always_utf8);
    return suite_run("report_json", tests);
}
