#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ignore.h"

static struct ignore *ignore;
static char path[64];
static struct error error;

static void setup(void)
{
    ignore = ignore_new();
    ck_assert_ptr_nonnull(ignore);
    strcpy(path, "/tmp/check_ignore.XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    error.text[0] = '\0';
}

static void teardown(void)
{
    ignore_free(ignore);
    unlink(path);
}

static bool load_bytes(const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    return ignore_load(ignore, path, &error);
}

static void load(const char *text)
{
    ck_assert_msg(load_bytes(text, strlen(text)), "%s", error.text);
}

static void load_fails(const char *bytes, size_t length, const char *what)
{
    char expected[600];
    snprintf(expected, sizeof(expected), "%s%s", path, what);
    ck_assert(!load_bytes(bytes, length));
    ck_assert_str_eq(error.text, expected);
}

static const char *match_function(const char *function)
{
    struct frame frame = {.function = function};
    return ignore_match(ignore, &frame, 1);
}

START_TEST(no_rules_match_nothing)
{
    ck_assert_ptr_null(match_function("main"));
    ck_assert_ptr_null(ignore_match(NULL, &(struct frame){.function = "main"}, 1));
    load("\n# thread:main\n   \n\t# x\n");
    ck_assert_ptr_null(match_function("main"));
    ck_assert_ptr_null(ignore_match(ignore, NULL, 0));
}
END_TEST

START_TEST(a_pattern_matches_anywhere)
{
    load("thread:pool\n");
    ck_assert_str_eq(match_function("pool"), "thread:pool");
    ck_assert_str_eq(match_function("thread_pool_start"), "thread:pool");
    ck_assert_ptr_null(match_function("poo"));
    ck_assert_ptr_null(match_function("Pool"));
    ck_assert_ptr_null(match_function(""));
}
END_TEST

START_TEST(anchors_tie)
{
    load("thread:^begin\nthread:end$\nthread:^whole$\nthread:mid$dle\nthread:hat^\n");
    ck_assert_str_eq(match_function("begin_it"), "thread:^begin");
    ck_assert_ptr_null(match_function("a_begin"));
    ck_assert_str_eq(match_function("the_end"), "thread:end$");
    ck_assert_ptr_null(match_function("the_end_"));
    ck_assert_str_eq(match_function("end_end"), "thread:end$");
    ck_assert_str_eq(match_function("whole"), "thread:^whole$");
    ck_assert_ptr_null(match_function("wholes"));
    ck_assert_ptr_null(match_function("awhole"));
    ck_assert_str_eq(match_function("amid$dle"), "thread:mid$dle");
    ck_assert_str_eq(match_function("hat^"), "thread:hat^");
}
END_TEST

START_TEST(stars_stand_for_any_text)
{
    load("thread:^a*b*c$\n");
    ck_assert(match_function("abc"));
    ck_assert(match_function("axxbxbyyc"));
    ck_assert(match_function("abcbc"));
    ck_assert_ptr_null(match_function("acb"));
    ck_assert_ptr_null(match_function("abcd"));
    load("thread:std::*::join\n");
    ck_assert(match_function("void std::x::y::join(int)"));
    ck_assert_ptr_null(match_function("std::join"));
}
END_TEST

START_TEST(many_stars_are_no_burden)
{
    load("thread:a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\n");
    char name[4001];
    memset(name, 'a', 4000);
    name[4000] = '\0';
    ck_assert_ptr_null(match_function(name));
}
END_TEST

START_TEST(function_file_and_module_of_any_frame)
{
    load("thread:pool.c\nthread:libfoo.so\nthread:start_it\n");
    struct frame frames[3] = {{.function = "f"}, {.module = "/usr/lib/x.so"}, {.offset = 3}};
    ck_assert_ptr_null(ignore_match(ignore, frames, 3));
    frames[2].file = "/src/pool.c";
    ck_assert_str_eq(ignore_match(ignore, frames, 3), "thread:pool.c");
    ck_assert_ptr_null(ignore_match(ignore, frames, 2));
    frames[1].module = "/usr/lib/libfoo.so.1";
    frames[2].file = NULL;
    ck_assert_str_eq(ignore_match(ignore, frames, 3), "thread:libfoo.so");
    frames[0].function = "start_it";
    frames[2].file = "pool.c";
    /* of several, the first of the file */
    ck_assert_str_eq(ignore_match(ignore, frames, 3), "thread:pool.c");
}
END_TEST

START_TEST(blanks_and_line_ends_do_not_matter)
{
    load("  thread:a b \r\n\tthread:^c$\t\nthread:last");
    ck_assert_str_eq(match_function("a b"), "thread:a b");
    ck_assert_str_eq(match_function("c"), "thread:^c$");
    ck_assert_str_eq(match_function("last"), "thread:last");
}
END_TEST

START_TEST(files_add_up)
{
    load("thread:one\n");
    load("thread:two\n");
    ck_assert(match_function("one") && match_function("two"));
}
END_TEST

START_TEST(what_is_wrong_is_told)
{
    load_fails("# x\nthread:ok\nleak:foo\n", 23, ":3: 'leak:foo' is not a rule of the form thread:PATTERN");
    load_fails("foo", 3, ":1: 'foo' is not a rule of the form thread:PATTERN");
    load_fails("thread:\n", 8,
               ":1: 'thread:' has no pattern: it would match every thread ('*' says that aloud)");
    load_fails("thread:^$\n", 10,
               ":1: 'thread:^$' has no pattern: it would match every thread ('*' says that aloud)");
    load_fails("thread:a\0b\n", 11,
               ":1: is not text: a file of rules, one thread:PATTERN a line, was expected");
    ck_assert(!ignore_load(ignore, "/nonexistent/rules", &error));
    ck_assert_str_eq(error.text, "/nonexistent/rules: can not be read: No such file or directory");
    ck_assert(!ignore_load(ignore, "/tmp", &error));
    ck_assert_str_eq(error.text, "/tmp: can not be read: Is a directory");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ignore");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, no_rules_match_nothing);
    tcase_add_test(tests, a_pattern_matches_anywhere);
    tcase_add_test(tests, anchors_tie);
    tcase_add_test(tests, stars_stand_for_any_text);
    tcase_add_test(tests, many_stars_are_no_burden);
    tcase_add_test(tests, function_file_and_module_of_any_frame);
    tcase_add_test(tests, blanks_and_line_ends_do_not_matter);
    tcase_add_test(tests, files_add_up);
    tcase_add_test(tests, what_is_wrong_is_told);
    Suite *suite = suite_create("ignore");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
