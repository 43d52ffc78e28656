/* What CI services read of the formats: annotations, a summary, names of tests, paths of sources. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats_made.h"
#include "report/report.h"
#include "report/common/source.h"
#include "suite.h"

START_TEST(more_than_ten)
{
    static struct leak_group many[14];
    for (size_t i = 0; i < 14; i++) {
        many[i] = made_groups[0];
        snprintf(many[i].fingerprint, sizeof(many[i].fingerprint), "9f%014zx", i);
    }
    made_processes[0].groups = many;
    made_processes[0].group_count = 14;
    made_report.process_count = made_report.summary.processes = 1;
    made_report.unwatched_count = 0;
    char *text = made_printed_as("github");
    size_t errors = 0;
    for (const char *at = text; (at = strstr(at, "::error ")); at++)
        errors++;
    ck_assert_uint_eq(errors, 10);
    ck_assert_msg(strstr(text, "\nthreadleak: and 4 more leaks\n"), "%s", text);
    free(text);
    made_processes[0].group_count = 10;
    text = made_printed_as("github");
    ck_assert_ptr_null(strstr(text, "more"));
    free(text);
}
END_TEST

static size_t count_of(const char *format, const char *what)
{
    char *text = made_printed_as(format);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        count++;
    free(text);
    return count;
}

/* Two leaks of one process with one fingerprint, created by lines 42 and 43. */
START_TEST(equal_fingerprints_of_two_lines)
{
    static struct leak_group two[2];
    static struct frame stack[2];
    for (size_t i = 0; i < 2; i++) {
        stack[i] = made_stack[0];
        stack[i].line = 42 + (int)i;
        two[i] = made_groups[0];
        two[i].stack = &stack[i];
        two[i].user_frame = &stack[i];
        two[i].stack_count = 1;
        two[i].place = i;
    }
    made_processes[0].groups = two;
    made_report.process_count = made_report.summary.processes = 1;
    made_report.unwatched_count = 0;
    ck_assert_uint_eq(count_of("github", "::error file=src/pool.c,line=42,"), 1);
    ck_assert_uint_eq(count_of("github", "::error file=src/pool.c,line=43,"), 1);
    ck_assert_uint_eq(count_of("gitlab", "\"begin\": 42"), 1);
    ck_assert_uint_eq(count_of("gitlab", "\"begin\": 43"), 1);
    ck_assert_uint_eq(count_of("gitlab", "\"fingerprint\": \"9f00000000000001\""), 1);
    ck_assert_uint_eq(count_of("junit", "<failure "), 2);
    ck_assert_uint_eq(count_of("tap", "- message:"), 2);
    ck_assert_uint_eq(count_of("sarif", "\"ruleId\""), 2);
    ck_assert_uint_eq(count_of("json", "\"creation_stack\""), 2);
    ck_assert_uint_eq(count_of("text", "> pool_start"), 2);
    /* As many threads of one line, in two processes. */
    two[1].place = 0;
    made_processes[0].group_count = 1;
    made_processes[1].groups = &two[1];
    made_report.process_count = 2;
    ck_assert_uint_eq(count_of("gitlab", "in 2 processes"), 1);
}
END_TEST

/* A thread that ended and was not joined is as bad as one that runs; a detached one can be meant. */
START_TEST(severity_of_each_kind)
{
    static const char *const severities[LEAK_KINDS] = {
        [LEAK_RUNNING] = "\"severity\": \"major\"",
        [LEAK_DETACHED] = "\"severity\": \"minor\"",
        [LEAK_UNJOINED] = "\"severity\": \"major\"",
    };
    made_processes[0].group_count = 1;
    made_report.process_count = 1;
    for (int kind = 0; kind < LEAK_KINDS; kind++) {
        made_groups[0].kind = (enum leak_kind)kind;
        ck_assert_uint_eq(count_of("gitlab", severities[kind]), 1);
        ck_assert_uint_eq(count_of("sarif", "\"level\": \"error\""), kind == LEAK_DETACHED ? 2 : 3);
    }
}
END_TEST

/* The third is called as the second of the others would be. */
START_TEST(tests_have_names_of_their_own)
{
    char *argv[] = {"./app", NULL};
    made_processes[0].argv = made_processes[1].argv = made_processes[3].argv = argv;
    made_processes[2].test = "./app (2)";
    char *text = made_printed_as("junit");
    ck_assert_ptr_nonnull(strstr(text, "name=\"./app\">"));
    ck_assert_ptr_nonnull(strstr(text, "name=\"./app (3)\">"));
    ck_assert_ptr_nonnull(strstr(text, "name=\"./app (4)\">"));
    char *second = strstr(text, "name=\"./app (2)\">");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(strstr(second + 1, "name=\"./app (2)\">"));
    free(text);
}
END_TEST

START_TEST(summary_of_the_job)
{
    char path[64];
    scratch_directory(path, sizeof(path) - sizeof("/summary"));
    int fd = open(strcat(path, "/summary"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert(fd >= 0 && write(fd, "before\n", 7) == 7 && close(fd) == 0);
    setenv("GITHUB_STEP_SUMMARY", path, 1);
    free(made_printed_as("github"));
    made_stack[0].function = HOSTILE;
    free(made_printed_as("github"));
    made_report = (struct report){.argv = made_command, .summary = {.processes = 1}};
    free(made_printed_as("github"));
    compare_format("summary", "md", read_whole(path));
}
END_TEST

START_TEST(a_summary_that_cannot_be_written_is_an_error)
{
    setenv("GITHUB_STEP_SUMMARY", "/nonexistent/summary", 1);
    FILE *null = fopen("/dev/null", "we");
    errno = 0;
    ck_assert(!report_print(&report_github, null, &made_report, &(struct report_style){.verbose = 0}));
    ck_assert_int_eq(errno, ENOENT);
    fclose(null);
}
END_TEST

START_TEST(paths_of_sources)
{
    static const char *const cases[][2] = {
        {"/a/b.c", "/a/b.c"}, {"x/./y//z.c", "x/y/z.c"}, {"./b.c", "b.c"}, {"../b.c", "../b.c"}, {"", ""}};
    char path[PATH_MAX], here[PATH_MAX - 32], file[PATH_MAX], workspace[PATH_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        format_source_path(path, sizeof(path), cases[i][0]);
        ck_assert_str_eq(path, cases[i][1]);
    }
    ck_assert(getcwd(here, sizeof(here)));
    snprintf(file, sizeof(file), "%s/src/./pool.c", here);
    format_source_path(path, sizeof(path), file);
    ck_assert_str_eq(path, "src/pool.c");
    /* A directory above the working directory is the root of the sources; another is not. */
    snprintf(workspace, sizeof(workspace), "%.*s", (int)(strrchr(here, '/') - here), here);
    setenv("GITHUB_WORKSPACE", workspace, 1);
    format_source_path(path, sizeof(path), file);
    snprintf(file, sizeof(file), "%s/src/pool.c", strrchr(here, '/') + 1);
    ck_assert_str_eq(path, *workspace ? file : path);
    setenv("GITHUB_WORKSPACE", "/nonexistent", 1);
    ck_assert_str_eq(source_root(), here);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ci");
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        abort();
    tcase_add_checked_fixture(tests, formats_set_up, NULL);
    tcase_add_test(tests, more_than_ten);
    tcase_add_test(tests, equal_fingerprints_of_two_lines);
    tcase_add_test(tests, severity_of_each_kind);
    tcase_add_test(tests, tests_have_names_of_their_own);
    tcase_add_test(tests, summary_of_the_job);
    tcase_add_test(tests, a_summary_that_cannot_be_written_is_an_error);
    tcase_add_test(tests, paths_of_sources);
    return suite_run("formats_ci", tests);
}
