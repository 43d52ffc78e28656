/* The text that people read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report_made.h"
#include "suite.h"
#include "suppress/suppress.h"

/* ---- text ------------------------------------------------------------------------------------- */

START_TEST(one_leak)
{
    TEXT("one_leak", .color = false);
    TEXT("one_leak_color", .color = true);
    TEXT("one_leak_verbose", .verbose = 1, .all = true);
    TEXT("one_leak_quiet", .verbose = -1);
}
END_TEST

START_TEST(two_kinds)
{
    static struct thread_info ended = {
        .id = 5, .tid = 4247, .created_by = 3, .age_s = 100, .ended_s = 61, .cpu_s = -1};
    static struct leak_group groups[2];
    static struct frame joiner;
    joiner = frame_in("pool_stop", pool_c, 70);
    groups[0] = groups[1] = one_group[0];
    groups[1].kind = LEAK_UNJOINED;
    groups[1].first_of_site = false;
    groups[1].threads = &ended;
    groups[1].thread_count = 1;
    groups[0].joined_at = groups[1].joined_at = &joiner;
    groups[0].site_created = groups[1].site_created = 7;
    groups[0].site_joined = 4;
    groups[0].joined_there = 3;
    groups[1].site_joined = groups[1].joined_there = 1;
    one_process[0].groups = groups;
    one_process[0].group_count = 2;
    TEXT("two_kinds", .color = false);
}
END_TEST

START_TEST(a_thousand_threads_at_one_site)
{
    static struct thread_info threads[1000];
    for (size_t i = 0; i < 1000; i++) {
        threads[i] = two[0];
        threads[i].id = i + 2;
        threads[i].tid = 5000 + (pid_t)i;
        threads[i].created_by = i % 7 + 1;
        threads[i].age_s = 0.02 + 0.01 * (double)i;
        snprintf(threads[i].name, sizeof(threads[i].name), "worker %zu", i);
    }
    one_group[0].threads = threads;
    one_group[0].thread_count = 1000;
    TEXT("thousand", .color = false);
    one_group[0].thread_count = 9;
    for (size_t i = 0; i < 9; i++) /* by turns, each is named once */
        threads[i].created_by = i % 2 + 1;
    TEXT("nine_verbose", .verbose = 1);
}
END_TEST

static void expect_in_text(const char *part)
{
    char *text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, part), "%s", text);
    free(text);
}

START_TEST(several_processes)
{
    static struct process_report processes[4];
    static struct leak_group not_counted;
    not_counted = one_group[0];
    not_counted.counted = false;
    for (size_t i = 0; i < 4; i++) {
        processes[i] = one_process[0];
        processes[i].pid = 4242 + (int)i;
    }
    processes[1].groups = &not_counted; /* not judged: of no note */
    processes[1].judged = false;
    processes[1].how = END_EXEC;
    processes[2].how = END_ALIVE;
    processes[2].judged = false;
    processes[2].groups = &not_counted;
    processes[3].group_count = 0; /* no leak */
    report.processes = processes;
    report.process_count = 4;
    report.summary.processes = 6;
    TEXT("processes", .color = false);
    TEXT("processes_all", .all = true);
    processes[1] = processes[0]; /* the same process, which ran two programs */
    expect_in_text("threadleak: 2 leaked threads at 1 site in 1 of 6 processes\n");
    processes[1].pid++;
    expect_in_text("threadleak: 2 leaked threads at 1 site in 2 of 6 processes\n");
    report.summary.processes = 2;
    expect_in_text("threadleak: 2 leaked threads at 1 site in 2 processes\n");
    report.summary.processes = 6;
    report.runs.count = 3;
    expect_in_text("threadleak: 2 leaked threads at 1 site in 6 processes\n");
    report.runs.count = 0;
    report.processes = processes + 3;
    report.process_count = 1;
    TEXT("process_clean", .color = false);
    processes[2] = processes[3];
    report.processes = processes + 2;
    report.process_count = 2;
    report.summary.leaked_threads = report.summary.leak_sites = 0;
    TEXT("processes_clean", .color = false);
}
END_TEST

/* namespace::Template<namespace::Template<…>>::function, of 400 characters. */
static const char *long_name(void)
{
    static char name[401];
    memset(name, 0, sizeof(name));
    strcpy(name, "boost::detail::thread_data<");
    while (strlen(name) < 340)
        strcat(name, "std::vector<int>, ");
    strcat(name, "void>::start(boost::thread_attributes)");
    while (strlen(name) < 400)
        strcat(name, "&");
    return name;
}

START_TEST(long_names)
{
    static struct frame stack[6];
    static char path[300];
    snprintf(path, sizeof(path), "/home/ann/%0200d/pool.cpp", 0);
    stack[0] = frame_in(long_name(), "/usr/include/c++/12/thread", 110);
    stack[0].runtime = true;
    stack[1] = frame_in("std::thread::thread<worker>(worker&&)", "/usr/include/c++/12/thread", 90);
    stack[1].runtime = stack[1].inlined = true;
    stack[2] = frame_in(long_name(), path, 42);
    /* 64 bytes end, and the part after the dots begins, inside of a character. */
    stack[3] = frame_in("xäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü", pool_c, 7);
    stack[4] = frame_in("größe", pool_c, 8);
    stack[5] = frame_in("main", main_c, 10);
    one_group[0].stack = stack;
    one_group[0].stack_count = 6;
    one_group[0].user_frame = &stack[2];
    ck_assert_uint_eq(strlen(long_name()), 400);
    TEXT("long_names", .color = false);
    TEXT("long_names_verbose", .verbose = 1);
}
END_TEST

/* Nothing of a watched program's may drive a terminal. */
START_TEST(control_characters)
{
    static char *argv[] = {"./a\033]0;pwned\007pp\n", NULL};
    static struct thread_info task = {.tid = 4250, .name = "\033[2J\r"};
    strcpy(two[0].name, "\033[31mred\n\x7f");
    strcpy(two[1].name, "\xc2\x9b"
                        "31m\xffö\xc3");
    plain_stack[0].function = "f\033[1m\n()";
    plain_stack[1].file = "/src/a\tb\033.c";
    plain_stack[1].function = "g";
    one_group[0].suppressed_by = "thread:\033x";
    one_process[0].argv = argv;
    one_process[0].untracked = &task;
    one_process[0].untracked_count = one_process[0].counts.untracked = 1;
    TEXT("control", .color = false);
    one_group[0].counted = false;
    TEXT("control_short", .color = false);
    memset(two[0].name, 0, sizeof(two[0].name));
    strcpy(two[0].name, "\x1b[0m");
    one_group[0].thread_count = 1;
    TEXT("control_common", .all = true);
}
END_TEST

START_TEST(not_counted)
{
    static struct leak_group groups[4];
    for (size_t i = 0; i < 4; i++)
        groups[i] = one_group[0];
    groups[1].counted = groups[2].counted = groups[3].counted = false;
    groups[1].suppressed_by = "thread:pool_start";
    groups[2].kind = LEAK_DETACHED;
    groups[3].kind = LEAK_UNJOINED;
    groups[3].stack_count = 0;
    groups[3].user_frame = NULL;
    one_process[0].groups = groups;
    one_process[0].group_count = 4;
    TEXT("not_counted", .color = false);
    TEXT("not_counted_all", .all = true);
    one_process[0].groups = groups + 1;
    one_process[0].group_count = 1;
    report.summary.leaked_threads = report.summary.leak_sites = 0;
    TEXT("suppressed_alone", .color = false);
}
END_TEST

START_TEST(ends)
{
    static const struct {
        const char *name;
        enum end_how how;
        int number;
        bool judged;
    } cases[] = {
        {"end_signal", END_SIGNAL, 11, false},       {"end_signal_judged", END_SIGNAL, 9, true},
        {"end_unknown", END_SIGNAL, 0, false},       {"end_exec", END_EXEC, 0, false},
        {"end_quick_exit", END_QUICK_EXIT, 3, true}, {"end__exit", END__EXIT, 3, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        one_process[0].how = cases[i].how;
        one_process[0].signal = cases[i].how == END_SIGNAL ? cases[i].number : 0;
        one_process[0].status = cases[i].number;
        one_process[0].judged = one_group[0].counted = cases[i].judged;
        TEXT(cases[i].name, .color = false);
    }
    one_process[0].group_count = 0;
    TEXT("end_nothing_left", .color = false);
}
END_TEST

START_TEST(alive)
{
    one_process[0].how = END_ALIVE;
    one_process[0].judged = one_group[0].counted = false;
    two[0].being_joined = one_group[0].site_joining = true;
    TEXT("alive", .color = false);
    two[1].being_joined = true;
    TEXT("alive_all", .all = true, .verbose = 1);
    one_group[0].thread_count = 1;
    one_process[0].judged = one_group[0].counted = true;
    TEXT("alive_judged", .color = false);
    one_process[0].judged = one_group[0].counted = false;
    static struct leak_group groups[2];
    groups[0] = groups[1] = one_group[0];
    groups[0].thread_count = 2;
    groups[1].kind = LEAK_UNJOINED;
    groups[1].first_of_site = false;
    one_process[0].groups = groups;
    one_process[0].group_count = 2;
    TEXT("alive_and_finished", .color = false);
    one_process[0].groups = groups + 1;
    one_process[0].group_count = groups[1].first_of_site = 1;
    TEXT("alive_finished", .color = false);
    one_process[0].group_count = 0;
    TEXT("alive_none", .color = false);
    one_process[0].counts.created = 0;
    TEXT("alive_none_created", .color = false);
}
END_TEST

START_TEST(suppressed_groups_of_a_live_process_are_last_and_short)
{
    static struct leak_group groups[3];
    static const struct suppression_rule rule = {.source = SUPPRESSION_BUILT_IN,
                                                 .label = SUPPRESSION_BUILT_IN_LABEL "the JVM"};
    for (size_t i = 0; i < 3; i++) {
        groups[i] = one_group[0];
        groups[i].counted = false;
    }
    groups[0].rule = &rule;
    groups[0].suppressed_by = rule.label;
    groups[1].suppressed_by = "thread:pool_start";
    one_process[0].how = END_ALIVE;
    one_process[0].judged = false;
    one_process[0].groups = groups;
    one_process[0].group_count = 3;
    TEXT("alive_suppressed", .color = false);
    TEXT("alive_suppressed_all", .all = true);
}
END_TEST

START_TEST(nothing_leaked)
{
    one_process[0].group_count = 0;
    one_process[0].counts.untracked = 0;
    TEXT("nothing_leaked", .color = false);
    report.process_count = 0;
    TEXT("no_threads", .color = false);
    report.summary.processes = 3;
    TEXT("no_threads_of_three", .color = false);
}
END_TEST

START_TEST(stacks_that_are_not_whole)
{
    one_group[0].truncated = true;
    TEXT("truncated", .color = false);
    one_group[0].rule_deeper = true;
    TEXT("truncated_rules", .color = false);
    one_group[0].stack_count = 0;
    one_group[0].user_frame = NULL;
    one_group[0].start_routine = NULL;
    two[0].created_by = two[1].created_by = 0;
    two[0].tid = 0;
    two[0].name[0] = 0;
    two[1].age_s = -1;
    TEXT("not_recorded", .color = false);
}
END_TEST

START_TEST(no_symbols)
{
    static struct frame routine;
    for (size_t i = 0; i < 3; i++) {
        plain_stack[i].function = plain_stack[i].file = NULL;
        plain_stack[i].line = 0;
    }
    plain_stack[1].module = NULL;
    plain_stack[1].pc = 0x7f1234567890;
    routine = plain_stack[1];
    one_group[0].start_routine = &routine;
    TEXT("no_symbols", .color = false);
    plain_stack[0].function = "exported_function"; /* of .dynsym: no file */
    TEXT("no_lines", .color = false);
    plain_stack[0].runtime = plain_stack[1].runtime = true; /* no user frame */
    one_group[0].user_frame = NULL;
    TEXT("no_user_frame", .color = false);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("report");
    tcase_add_checked_fixture(tests, report_set_up, NULL);
    tcase_add_test(tests, one_leak);
    tcase_add_test(tests, two_kinds);
    tcase_add_test(tests, a_thousand_threads_at_one_site);
    tcase_add_test(tests, several_processes);
    tcase_add_test(tests, long_names);
    tcase_add_test(tests, control_characters);
    tcase_add_test(tests, not_counted);
    tcase_add_test(tests, ends);
    tcase_add_test(tests, alive);
    tcase_add_test(tests, suppressed_groups_of_a_live_process_are_last_and_short);
    tcase_add_test(tests, nothing_leaked);
    tcase_add_test(tests, stacks_that_are_not_whole);
    tcase_add_test(tests, no_symbols);
    return suite_run("report", tests);
}
