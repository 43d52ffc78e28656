/* Every format of common/formats.def, on made-up reports.  Whole outputs are compared with
 * tests/golden/format_REPORT.FORMAT, which tests/e2e/formats.py gives to the programs that read them.
 * format_leaks.FORMAT must exist; for the other reports a golden is optional: create an empty file.
 *   UPDATE=1 build/tests/unit/check_formats      writes the goldens anew: read each before you keep it */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/options.h"
#include "formats_made.h"
#include "report/text/leak_text.h"
#include "report/report.h"
#include "suite.h"

/* What a terminal and a parser can rely on, whatever a program calls its things. */
static void is_well_formed(const char *format, const char *text)
{
    for (const char *at = text; *at; at++)
        ck_assert_msg((unsigned char)*at >= ' ' || *at == '\n', "%s: control character 0x%02x at byte %td",
                      format, (unsigned)*at, at - text);
    ck_assert_msg(mbstowcs(NULL, text, 0) != (size_t)-1, "%s: not UTF-8:\n%s", format, text);
}

/* Goldens of text and json are those of check_report and check_report_json. check_sarif reads sarif. html is
 * a program, which tests/e2e/html_report.py runs. */
static bool has_golden(const char *name, const char *format)
{
    char path[PATH_MAX];
    golden_path(path, name, format);
    bool is_needed = !strcmp(name, "leaks") && strcmp(format, "text") != 0 && strcmp(format, "json") != 0 &&
                     strcmp(format, "sarif") != 0 && strcmp(format, "html") != 0;
    return is_needed || access(path, F_OK) == 0;
}

static void all_are(const char *name)
{
    const struct report_format *format;
    for (size_t i = 0; (format = report_format(i)); i++) {
        if (format->is_binary)
            continue; /* check_pprof */
        char *text = made_print(format);
        is_well_formed(format->name, text);
        if (has_golden(name, format->name))
            compare_format(name, format->name, text);
        else
            free(text);
    }
}

START_TEST(leaks)
{
    all_are("leaks");
}
END_TEST

START_TEST(nothing_leaked)
{
    made_report = (struct report){.argv = made_command, .summary = {.processes = 1}};
    all_are("nothing");
}
END_TEST

START_TEST(timed_out)
{
    made_timeout();
    all_are("timeout");
}
END_TEST

/* One of a leak, one that fails alone, one that does not fail, and a suppressed one. */
START_TEST(findings)
{
    static struct finding_fact facts[] = {
        {.text = "T3 waits for mutex a, held by T4", .at = &made_waiting_stack[1]},
        {.text = "T4 waits for mutex b, held by T3", .at = &made_waiting_stack[1]},
        {.text = HOSTILE, .at = &made_stack[1]}};
    static struct finding_thread threads[] = {{3, 4245}, {4, 4246}};
    static struct finding items[4];
    items[0] =
        (struct finding){.code = FINDING_DEADLOCK,
                         .level = FINDING_PROVED,
                         .text = "T3 waits for mutex a, held by T4, which waits for mutex b, held by T3",
                         .fingerprint = "0700000000000001",
                         .in_group = true,
                         .threads = threads,
                         .thread_count = 2,
                         .facts = facts,
                         .fact_count = 2};
    items[1] = (struct finding){.code = FINDING_DEAD_OWNER,
                                .level = FINDING_PROVED,
                                .text = "tid 9 waits for mutex c, held by tid 8, which has ended",
                                .fingerprint = "0700000000000002",
                                .fails = true,
                                .facts = &facts[2],
                                .fact_count = 1};
    items[2] = items[3] = (struct finding){.code = FINDING_DEAD_OWNER,
                                           .level = FINDING_LIKELY,
                                           .text = HOSTILE,
                                           .fingerprint = "0700000000000002"};
    items[3].suppressed_by = "thread:^main$ finding:dead-owner";
    made_groups[0].finding = &items[0];
    made_processes[0].findings = (struct findings){.items = items, .count = 4};
    made_report.process_count = 1;
    made_report.unwatched_count = 0;
    all_are("findings");
    char *text = made_printed_as("sarif"); /* its rules have the texts of findings.def */
    ck_assert_ptr_nonnull(strstr(text, "\"id\": \"thread.dead-owner\""));
    ck_assert_ptr_nonnull(strstr(text, "\"ruleId\": \"thread.deadlock\""));
    ck_assert_ptr_nonnull(strstr(text, "\"threadleak/v2\": \"0700000000000001\""));
    ck_assert_ptr_nonnull(strstr(text, "\"justification\": \"thread:^main$ finding:dead-owner\""));
    free(text);
}
END_TEST

START_TEST(hostile)
{
    made_hostile();
    all_are("hostile");
}
END_TEST

START_TEST(nothing_known)
{
    static struct frame nowhere = {.pc = 0x7f1234567890},
                        module = {.module = "/usr/bin/app", .offset = 0x123};
    static struct leak_group unknown[2];
    unknown[0] = unknown[1] = (struct leak_group){.kind = LEAK_DETACHED,
                                                  .counted = true,
                                                  .fingerprint = "9f00000000000003",
                                                  .threads = made_threads,
                                                  .thread_count = 1};
    unknown[0].stack = &nowhere;
    unknown[1].stack = &module;
    unknown[0].stack_count = unknown[1].stack_count = 1;
    strcpy(unknown[1].fingerprint, "9f00000000000004");
    made_threads[0] = (struct thread_info){.id = 2, .age_s = -1, .ended_s = -1, .cpu_s = -1};
    made_processes[0] = (struct process_report){
        .pid = 4242, .watched = true, .how = END_SIGNAL, .judged = true, .groups = unknown, .group_count = 2};
    made_processes[1] = (struct process_report){.pid = 4243, .how = END_ALIVE, .live = true};
    made_report = (struct report){.processes = made_processes, .process_count = 2, .summary = {1, 2, 2, 0}};
    all_are("unknown");
}
END_TEST

/* "run Poller::loop() (pool.c:9)" where the start routine is libstdc++'s. */
START_TEST(what_a_runtime_called_is_what_runs)
{
    static const struct frame runtime_start = {
        .module = "/usr/lib/libstdc++.so.6", .offset = 0xd44a3, .runtime = true};
    static struct frame stacks[2][3];
    static struct shared_stack runs[2];
    static struct thread_stack places[2];
    for (int i = 0; i < 2; i++) {
        stacks[i][0] = made_waiting_stack[0];
        stacks[i][1] = made_frame("Poller::loop()", made_pool_c, 9);
        stacks[i][2] = runtime_start;
        runs[i] = (struct shared_stack){.frames = stacks[i], .count = 3};
        places[i] = made_current;
        places[i].stack = &runs[i];
        made_threads[i].current = &places[i];
    }
    made_groups[0].start_routine = &runtime_start;
    char *line = leak_line(&(struct leak_site){.group = &made_groups[0], .threads = 2, .processes = 1});
    ck_assert_msg(strstr(line, ", run Poller::loop() ("), "%s", line);
    free(line);
    /* Not of both: then what is known is no name. */
    stacks[1][1].function = "Poller::other()";
    line = leak_line(&(struct leak_site){.group = &made_groups[0], .threads = 2, .processes = 1});
    ck_assert_msg(!strstr(line, ", run libstdc++") && !strstr(line, ", run Poller"), "%s", line);
    free(line);
}
END_TEST

/* A pid that is used again by the same program: two equal series are an error. */
START_TEST(prom_has_no_series_twice)
{
    made_processes[1].pid = made_processes[0].pid;
    char *text = made_printed_as("prom");
    static const char line[] = "threadleak_threads{state=\"unjoined\",pid=\"4242\",exe=\"/usr/bin/app\"} ";
    char *found = strstr(text, line);
    ck_assert_msg(found && found[strlen(line)] == '0', "%s", text); /* the second process has none */
    ck_assert_ptr_null(strstr(found + 1, line));
    free(text);
}
END_TEST

START_TEST(prom_leaves_out_ages_that_are_not_known)
{
    char *text = made_printed_as("prom");
    ck_assert_ptr_nonnull(strstr(text, "age_seconds_count{pid=\"4242\",exe=\"/usr/bin/app\"} 2\n"));
    free(text);
    made_threads[1].age_s = -1;
    text = made_printed_as("prom");
    ck_assert_ptr_null(strstr(text, "age_seconds_count{pid=\"4242\""));
    free(text);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    static const struct report_style style = {.color = false};
    const struct report_format *format;
    for (size_t i = 0; (format = report_format(i)); i++) {
        FILE *full = fopen("/dev/full", "we");
        ck_assert_ptr_nonnull(full);
        errno = 0;
        ck_assert_msg(!report_print(format, full, &made_report, &style), "%s", format->name);
        ck_assert_msg(errno == ENOSPC, "%s: %s", format->name, strerror(errno));
        fclose(full);
    }
}
END_TEST

START_TEST(each_is_known_by_its_name)
{
    const struct report_format *format;
    for (size_t i = 0; (format = report_format(i)); i++) {
        struct options options;
        ck_assert_ptr_eq(report_format_find(format->name), format);
        ck_assert_ptr_nonnull(strstr(report_format_names(), format->name));
        ck_assert_ptr_null(options_set(&options, "format", format->name, strlen(format->name)));
        ck_assert_str_eq(options.format, format->name);
    }
    ck_assert_ptr_null(report_format_find("tex"));
    ck_assert_ptr_null(report_format_find(""));
}
END_TEST

START_TEST(each_is_in_the_manual)
{
    char path[PATH_MAX], entry[64];
    const char *tests = getenv("TL_TESTS");
    const struct report_format *format;
    snprintf(path, sizeof(path), "%s/../man/threadleak-formats.7.scd", tests ? tests : "tests");
    char *manual = read_whole(path), *section = strstr(manual, "\n# FORMATS\n");
    ck_assert_ptr_nonnull(section);
    for (size_t i = 0; (format = report_format(i)); i++) {
        snprintf(entry, sizeof(entry), "\n*%s*\n\t", format->name);
        ck_assert_msg(strstr(section, entry), "%s: no entry for %s", path, format->name);
    }
    free(manual);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("formats");
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        abort();
    tcase_add_checked_fixture(tests, formats_set_up, NULL);
    tcase_add_test(tests, leaks);
    tcase_add_test(tests, nothing_leaked);
    tcase_add_test(tests, timed_out);
    tcase_add_test(tests, findings);
    tcase_add_test(tests, hostile);
    tcase_add_test(tests, nothing_known);
    tcase_add_test(tests, what_a_runtime_called_is_what_runs);
    tcase_add_test(tests, prom_has_no_series_twice);
    tcase_add_test(tests, prom_leaves_out_ages_that_are_not_known);
    tcase_add_test(tests, a_full_disk_is_an_error);
    tcase_add_test(tests, each_is_known_by_its_name);
    tcase_add_test(tests, each_is_in_the_manual);
    return suite_run("formats", tests);
}
