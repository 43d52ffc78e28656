/* Lines of the text report that fit a terminal, in ASCII, and what is shortened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/common/phrases.h"
#include "report/text/layout.h"
#include "report/text/text.h"
#include "report_made.h"
#include "suite.h"

#define LONG_NAME \
    "app::queue<std::pair<int, std::vector<double>>>::begin_worker_with_a_long_name(app::options const&)"
#define LONG_FILE "/src/a/long/path/of/directories/that/does/not/fit/a/terminal/begin_worker.cc"

static struct frame deep[64];

/* LENGTH frames, of which those from `from` to `to` have no name. */
static void make_deep(size_t length, size_t from, size_t to)
{
    for (size_t i = 0; i < length; i++) {
        deep[i] = frame_in("step", "/src/step.c", 10 + (int)i);
        if (i >= from && i < to)
            deep[i] = (struct frame){.module = "/usr/lib/libfoo.so.1", .offset = 0x1000 + i};
    }
    one_group[0].stack = deep;
    one_group[0].stack_count = length;
    one_group[0].user_frame = &deep[0];
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    for (const char *end; *text; text = end + 1) {
        size_t columns = 0;
        end = strchr(text, '\n');
        for (const char *at = text; at < end; at++)
            columns += ((unsigned char)*at & 0xc0) != 0x80;
        longest = columns > longest ? columns : longest;
    }
    return longest;
}

START_TEST(lines_fit)
{
    make_deep(3, 0, 0);
    deep[0] = frame_in(LONG_NAME, LONG_FILE, 42);
    deep[1] = frame_in("f", LONG_FILE, 42);
    deep[2] = frame_in(LONG_NAME, "x.c", 42);
    for (unsigned width = 132; width >= 40; width -= 4) {
        char *text =
            printed(&report_text, (struct report_style){.width = width, .more = "threadleak run -v"});
        ck_assert_msg(longest_line(text) <= width, "%u columns:\n%s", width, text);
        ck_assert_msg(strstr(text, "begin_worker.cc:42"), "%u columns, no file:\n%s", width, text);
        ck_assert_msg(strstr(text, "app::"), "%u columns, no name:\n%s", width, text);
        free(text);
    }
    char *text = printed(&report_text, (struct report_style){.width = 80, .more = "threadleak run -v"});
    ck_assert_msg(strstr(text, "to see what is shortened: threadleak run -v\n"), "%s", text);
    free(text);
}
END_TEST

static void expect_lines(const char *line, const char *expected)
{
    struct text_layout layout = {.width = 20};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    text_lay_out(out, line, &layout);
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(a_number_and_its_unit_are_one_word)
{
    expect_lines("waits for some 9 s, at", "waits for some 9 s,\n    at");
    expect_lines("waits for 42.2 or 9 s", "waits for 42.2\n    or 9 s");
    expect_lines("1 2 3 4 5 6 7 8 ten s at", "1 2 3 4 5 6 7 8 ten\n    s at");
}
END_TEST

START_TEST(a_number_and_its_word_are_one_word)
{
    expect_lines("in a name, (pid 7555), exit", "in a name,\n    (pid 7555), exit");
    expect_lines("joined 0, detached 1, peak 5.", "joined 0,\n    detached 1,\n    peak 5.");
    expect_lines("0, and the exit status 1", "0, and the exit\n    status 1");
    expect_lines("\033[1ma and the exit it 1\033[0m", "\033[1ma and the exit it 1\033[0m");
    expect_lines("\033[1mb and the exits its 1\033[0m", "\033[1mb and the exits\n    its 1\033[0m");
    expect_lines("abcdefghijklmnopqrst 1", "abcdefghijklmnopqrst\n    1");
    expect_lines("sleep 1 2 3 4 5 6 7 8 9 10", "sleep 1 2 3 4 5 6 7\n    8 9 10");
}
END_TEST

static char *thread_lines(struct thread_info *threads, size_t count, size_t width)
{
    const struct thread_info *list[8];
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < count; i++)
        list[i] = &threads[i];
    put_threads(out, list, count, &(struct thread_lines){count, width});
    fclose(out);
    return text;
}

/* Only what is printed of them counts: names and ids may be missing. */
START_TEST(lines_of_threads_are_full)
{
    struct thread_info threads[] = {{.id = 2, .tid = 24880, .name = ""},
                                    {.id = 3, .tid = 28336, .name = ""},
                                    {.id = 4, .tid = 28337, .name = ""},
                                    {.id = 5, .tid = 28338, .name = ""},
                                    {.id = 6, .tid = 29371, .name = ""}};
    char *text = thread_lines(threads, 5, 74);
    ck_assert_str_eq(text, "  T2 tid 24880, T3 tid 28336, T4 tid 28337, T5 tid 28338, T6 tid 29371\n");
    free(text);
    text = thread_lines(threads, 5, 60);
    ck_assert_str_eq(text, "  T2 tid 24880, T3 tid 28336, T4 tid 28337, T5 tid 28338,\n  T6 tid 29371\n");
    free(text);
    for (int i = 0; i < 5; i++)
        threads[i].id = 0;
    text = thread_lines(threads, 5, 60);
    ck_assert_str_eq(text, "  tid 24880, tid 28336, tid 28337, tid 28338, tid 29371\n");
    free(text);
}
END_TEST

START_TEST(nothing_is_cut_in_a_file)
{
    make_deep(1, 0, 0);
    deep[0] = frame_in(LONG_NAME, LONG_FILE, 42);
    char *text = printed(&report_text, (struct report_style){.width = 0});
    ck_assert_msg(strstr(text, "  > " LONG_NAME "   " LONG_FILE ":42\n"), "%s", text);
    ck_assert_msg(!strstr(text, "shortened"), "%s", text);
    free(text);
}
END_TEST

START_TEST(ascii)
{
    one_group[0].stack[0].function = "wörker";
    char *text = printed(&report_text, (struct report_style){.ascii = true});
    ck_assert_ptr_nonnull(strstr(text, "running x2 "));
    ck_assert_msg(strstr(text, "  > w\\xc3\\xb6rker"), "%s", text);
    for (const char *at = text; *at; at++)
        ck_assert((unsigned char)*at < 0x80);
    free(text);
}
END_TEST

START_TEST(colors_have_no_width)
{
    char *plain = printed(&report_text, (struct report_style){.width = 60});
    char *colored = printed(&report_text, (struct report_style){.width = 60, .color = true});
    char *to = colored;
    for (const char *from = colored; *from; from++) {
        if (*from == '\033')
            from = strchr(from, 'm');
        else
            *to++ = *from;
    }
    *to = '\0';
    ck_assert_str_eq(plain, colored);
    free(plain);
    free(colored);
}
END_TEST

START_TEST(frames_without_names_are_one_line)
{
    make_deep(14, 1, 13);
    char *text = printed(&report_text, (struct report_style){.more = "threadleak run -v"});
    ck_assert_msg(strstr(text, "    ... 12 frames without names in libfoo.so.1\n    step"), "%s", text);
    ck_assert_msg(strstr(text, "to see what is shortened: threadleak run -v\n"), "%s", text);
    free(text);
    text = printed(&report_text, (struct report_style){.verbose = 1});
    ck_assert_ptr_nonnull(strstr(text, "libfoo.so.1+0x1001\n"));
    ck_assert_ptr_null(strstr(text, "without names"));
    free(text);
    make_deep(14, 1, 9);
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_ptr_null(strstr(text, "without names"));
    free(text);
    make_deep(14, 1, 13);
    deep[5].module = "/usr/lib/libbar.so.1";
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, "12 frames without names in libfoo.so.1 and others\n"), "%s", text);
    free(text);
    deep[1].module = "/usr/bin/python3.11";
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, "12 frames without names in python3.11 and others\n"), "%s", text);
    free(text);
}
END_TEST

/* Those between two frames of the program, but for the one that the program called. */
START_TEST(frames_of_libraries_are_one_line)
{
    make_deep(14, 14, 14);
    for (int i = 3; i < 9; i++)
        deep[i].runtime = true;
    char *text = printed(&report_text, (struct report_style){.more = "threadleak run -v"});
    ck_assert_msg(strstr(text, "    ... 5 frames of libraries\n    step"), "%s", text);
    ck_assert_msg(strstr(text, "to see what is shortened: threadleak run -v\n"), "%s", text);
    free(text);
    text = printed(&report_text, (struct report_style){.verbose = 1});
    ck_assert_ptr_null(strstr(text, "of libraries"));
    free(text);
    deep[4].runtime = false;
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_ptr_null(strstr(text, "of libraries"));
    free(text);
}
END_TEST

START_TEST(generated_code_is_one_line)
{
    make_deep(14, 3, 6);
    for (int i = 3; i < 6; i++)
        deep[i].module = NULL;
    char *text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, "step   /src/step.c:12\n    ... 3 frames without names\n    step"), "%s",
                  text);
    free(text);
    make_deep(14, 3, 6);
    deep[3].module = deep[4].module = NULL;
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(!strstr(text, "without names"), "%s", text);
    free(text);
}
END_TEST

/* The first one is shown, and the user's own. */
/* std::thread(pause) */
START_TEST(callers_of_no_user_frame_are_one_line)
{
    make_deep(6, 6, 6);
    for (int i = 0; i < 6; i++)
        deep[i].runtime = true;
    deep[0].function = "pause";
    deep[1].function = "int std::__invoke_impl<int, int (*)()>(std::__invoke_other, int (*&&)())";
    one_group[0].user_frame = NULL;
    char *text = printed(&report_text, (struct report_style){.more = "threadleak run -v"});
    ck_assert_msg(strstr(text, "    pause   /src/step.c:10\n    ... 5 frames of the runtime\n"), "%s", text);
    ck_assert_msg(strstr(text, "to see what is shortened: threadleak run -v\n"), "%s", text);
    free(text);
    text = printed(&report_text, (struct report_style){.verbose = 1});
    ck_assert_msg(!strstr(text, "of the runtime") && strstr(text, "step.c:15\n"), "%s", text);
    free(text);
    deep[5].runtime = false;
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(!strstr(text, "of the runtime"), "%s", text);
    free(text);
    deep[5].runtime = true;
    one_group[0].user_frame = &deep[3];
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(!strstr(text, "of the runtime"), "%s", text);
    free(text);
}
END_TEST

START_TEST(recursion_is_one_line)
{
    make_deep(14, 14, 14);
    for (int i = 3; i < 9; i++)
        deep[i].line = 99;
    char *text = printed(&report_text, (struct report_style){.more = "threadleak run -v"});
    ck_assert_msg(strstr(text, "step.c:99\n    ... the same 5 more times\n    step   /src/step.c:19\n"), "%s",
                  text);
    ck_assert_msg(strstr(text, "to see what is shortened: threadleak run -v\n"), "%s", text);
    free(text);
    text = printed(&report_text, (struct report_style){.verbose = 1});
    ck_assert_ptr_null(strstr(text, "the same"));
    free(text);
    one_group[0].user_frame = &deep[7];
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, ":99\n    ... the same 3 more times\n  > step   /src/step.c:99\n"), "%s",
                  text);
    free(text);
    deep[5].function = "other";
    deep[6].module = "/lib/other.so";
    one_group[0].user_frame = NULL;
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(!strstr(text, "the same"), "%s", text);
    free(text);
}
END_TEST

/* "the same" comes after the frame that it names, wherever the middle is omitted. */
START_TEST(recursion_begins_with_a_frame)
{
    bool seen = false;
    for (int from = 1; from < 51; from++) {
        char *text = NULL;
        size_t size;
        make_deep(60, 60, 60);
        for (int i = from; i < from + 9; i++)
            deep[i] = frame_in("walk", "/src/walk.c", 7);
        const struct report_style style = {.color = false};
        const struct printer printer = {.out = open_memstream(&text, &size), .style = &style};
        put_frames(&printer, &(struct frames){deep, 60, NULL}, 24);
        fclose(printer.out);
        ck_assert_ptr_nonnull(strstr(text, " more frames\n"));
        const char *same = strstr(text, "    ... the same ");
        if (same)
            ck_assert_msg(same - text > 8 && !strncmp(same - 8, "alk.c:7\n", 8), "%d:\n%s", from, text);
        seen = seen || strstr(text, "more frames\n    walk   /src/walk.c:7\n    ... the same 7 more times\n");
        free(text);
    }
    ck_assert(seen);
}
END_TEST

/* Those that the interpreted program called are shown, and the user's own. */
START_TEST(frames_of_an_interpreter_are_one_line)
{
    make_deep(14, 14, 14);
    for (int i = 1; i < 12; i++)
        deep[i].module = i % 2 ? "/usr/bin/python3.11" : "/usr/lib/libpython3.11.so.1.0";
    char *text = printed(&report_text, (struct report_style){.more = "threadleak run -v"});
    ck_assert_msg(strstr(text, ":13\n    ... 8 frames of the Python interpreter\n    step"), "%s", text);
    ck_assert_msg(strstr(text, "\nPython functions are not shown; to see them while it runs: "
                               "py-spy dump --pid PID\n"),
                  "%s", text);
    ck_assert_msg(strstr(text, "to see what is shortened: threadleak run -v\n"), "%s", text);
    free(text);
    text = printed(&report_text, (struct report_style){.verbose = 1});
    ck_assert_ptr_null(strstr(text, "frames of the Python"));
    free(text);
    one_process[0].how = END_ALIVE;
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, " while it runs: py-spy dump --pid PID\n"), "a core: %s", text);
    free(text);
    one_process[0].live = true;
    one_group[0].user_frame = &deep[7];
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, "; to see them: py-spy dump --pid 4242\n"), "%s", text);
    ck_assert_msg(
        strstr(text, ":13\n    ... 3 frames of the Python interpreter\n  > step   /src/step.c:17\n"), "%s",
        text);
    free(text);
    report.timed_out_s = 3;
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(strstr(text, " while it runs: py-spy dump --pid PID\n"), "it is ended: %s", text);
    free(text);
    for (int i = 1; i < 12; i++)
        deep[i].module = "/usr/bin/pythonista";
    text = printed(&report_text, (struct report_style){.color = false});
    ck_assert_msg(!strstr(text, "Python"), "%s", text);
    free(text);
}
END_TEST

START_TEST(quiet_has_a_line_for_each_site)
{
    static struct leak_group groups[3];
    for (int i = 0; i < 3; i++) {
        groups[i] = one_group[0];
        groups[i].site = i == 2;
        groups[i].first_of_site = i != 1;
    }
    groups[1].kind = LEAK_UNJOINED;
    one_process[0].groups = groups;
    one_process[0].group_count = 3;
    char *text = printed(&report_text, (struct report_style){.verbose = -1});
    const char *lines =
        "\n  2 running and 2 finished threads, never joined, created by pool_start (src/pool.c:42), "
        "run worker_loop (/src/app/pool.c:27)\n"
        "  2 running threads, never joined, created by pool_start (src/pool.c:42), "
        "run worker_loop (/src/app/pool.c:27)\nleaked: ";
    ck_assert_msg(strstr(text, lines), "%s", text);
    free(text);
    groups[2].listed = true;
    text = printed(&report_text, (struct report_style){.verbose = -1});
    ck_assert_msg(!strstr(text, "\n  2 running threads"), "%s", text);
    free(text);
}
END_TEST

static struct finding_fact facts[] = {{.text = "T2 waits for condvar a"},
                                      {.text = "T3 waits for condvar b", .more = true},
                                      {.text = "T4 waits for condvar c", .more = true},
                                      {.text = "nothing refers to these"}};
static struct finding_thread named[] = {{2, 12}, {3, 13}, {4, 14}, {0, 15}, {6, 16}};
static char assumed[] =
    "this; that; only likely: a debugger is attached; only likely: some memory of a process with a "
    "very long description of itself could not be read";
static struct finding stuck = {.code = FINDING_STUCK,
                               .level = FINDING_LIKELY,
                               .text = (char *)"T2, T3, T4 and 2 others wait",
                               .threads = named,
                               .thread_count = 5,
                               .facts = facts,
                               .fact_count = 4,
                               .assumed = assumed};

START_TEST(a_short_report_counts_facts)
{
    one_process[0].findings = (struct findings){.items = &stuck, .count = 1};
    char *text = printed(&report_text, (struct report_style){.more = "threadleak run -v"});
    ck_assert_ptr_nonnull(
        strstr(text, "\n  T2 waits for condvar a\n  and 2 more\n  nothing refers to these\n"));
    ck_assert_ptr_nonnull(strstr(text, "threadleak run -v"));
    ck_assert_ptr_null(strstr(text, "assumed"));
    free(text);
}
END_TEST

START_TEST(a_short_report_counts_threads_that_are_perhaps_stuck)
{
    stuck.level = FINDING_NOTE;
    one_process[0].findings = (struct findings){.items = &stuck, .count = 1};
    char *text = printed(&report_text, (struct report_style){.more = "threadleak run -v"});
    ck_assert_ptr_nonnull(strstr(text, "\nperhaps stuck: 5 threads; -v prints why this is not certain\n"));
    ck_assert_ptr_null(strstr(text, "T2 waits"));
    free(text);
    stuck.level = FINDING_LIKELY;
}
END_TEST

START_TEST(a_long_report_has_all_facts)
{
    one_process[0].findings = (struct findings){.items = &stuck, .count = 1};
    char *text = printed(&report_text, (struct report_style){.verbose = 1});
    ck_assert_ptr_nonnull(strstr(text, "\n  T3 waits for condvar b\n  T4 waits for condvar c\n  nothing"));
    ck_assert_ptr_nonnull(strstr(text,
                                 "\n  threads: T2, T3, T4, tid 15, T6\n  assumed:\n    this\n    that\n"
                                 "  only likely, because\n    a debugger is attached\n    some memory"));
    ck_assert_ptr_nonnull(strstr(text, "\n      "));
    ck_assert_uint_le(longest_line(strstr(text, "  threads:")), 80);
    free(text);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("report_layout");
    tcase_add_checked_fixture(tests, report_set_up, NULL);
    tcase_add_test(tests, lines_fit);
    tcase_add_test(tests, a_number_and_its_unit_are_one_word);
    tcase_add_test(tests, a_number_and_its_word_are_one_word);
    tcase_add_test(tests, lines_of_threads_are_full);
    tcase_add_test(tests, nothing_is_cut_in_a_file);
    tcase_add_test(tests, ascii);
    tcase_add_test(tests, colors_have_no_width);
    tcase_add_test(tests, frames_without_names_are_one_line);
    tcase_add_test(tests, frames_of_libraries_are_one_line);
    tcase_add_test(tests, generated_code_is_one_line);
    tcase_add_test(tests, callers_of_no_user_frame_are_one_line);
    tcase_add_test(tests, recursion_is_one_line);
    tcase_add_test(tests, recursion_begins_with_a_frame);
    tcase_add_test(tests, frames_of_an_interpreter_are_one_line);
    tcase_add_test(tests, quiet_has_a_line_for_each_site);
    tcase_add_test(tests, a_short_report_counts_facts);
    tcase_add_test(tests, a_short_report_counts_threads_that_are_perhaps_stuck);
    tcase_add_test(tests, a_long_report_has_all_facts);
    return suite_run("report_layout", tests);
}
