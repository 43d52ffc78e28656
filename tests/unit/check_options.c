#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/options.h"
#include "suite.h"

static struct options options;
static char warnings[8][256];
static int warned;

static void remember(void *arg, const char *line)
{
    ck_assert_ptr_eq(arg, &warned);
    ck_assert_ptr_null(strchr(line, '\n'));
    ck_assert_int_lt(warned, 8);
    ck_assert_uint_lt(strlen(line), sizeof(warnings[0]));
    strcpy(warnings[warned++], line);
}

static void parse(const char *text)
{
    warned = 0;
    options_defaults(&options);
    options_parse(&options, text, remember, &warned);
}

static void parse_clean(const char *text)
{
    parse(text);
    ck_assert_msg(warned == 0, "%s: %s", text, warnings[0]);
}

static void parse_warned(const char *text, const char *warning)
{
    parse(text);
    ck_assert_int_eq(warned, 1);
    ck_assert_str_eq(warnings[0], warning);
}

START_TEST(defaults_are_those_documented)
{
    parse_clean("");
    ck_assert_uint_eq(options.report, KIND_ALL);
    ck_assert_uint_eq(options.judge, JUDGE_EXIT);
    ck_assert_int_eq(options.exitcode, 0);
    ck_assert_uint_eq(options.grace_ms, 431);
    ck_assert_int_eq(options.signal, SIGQUIT);
    ck_assert_uint_eq(options.depth, 64);
    ck_assert(options.follow && options.stacks && !options.help);
    ck_assert_int_eq(options.color, COLOR_AUTO);
    ck_assert_str_eq(options.format, "text");
    ck_assert_str_eq(options.log_path, "stderr");
    ck_assert_uint_eq(options.suppressions_count, 0);
    options_parse(&options, NULL, NULL, NULL);
}
END_TEST

START_TEST(every_separator_separates)
{
    parse_clean("depth=3:exitcode=4,grace_ms=5 stacks=0 follow=0\tcolor=never\nhelp=1");
    ck_assert_uint_eq(options.depth, 3);
    ck_assert_int_eq(options.exitcode, 4);
    ck_assert_uint_eq(options.grace_ms, 5);
    ck_assert(!options.follow && !options.stacks && options.help);
    ck_assert_int_eq(options.color, COLOR_NEVER);
    parse_clean(" ::,, depth=7 ,:");
    ck_assert_uint_eq(options.depth, 7);
}
END_TEST

START_TEST(values_may_be_quoted)
{
    parse_clean("log_path='/tmp/a b:c,d=\"e\"':depth=9");
    ck_assert_str_eq(options.log_path, "/tmp/a b:c,d=\"e\"");
    ck_assert_uint_eq(options.depth, 9);
    parse_clean("log_path=\"it's\",depth='8'");
    ck_assert_str_eq(options.log_path, "it's");
    ck_assert_uint_eq(options.depth, 8);
    parse_clean("log_path=a'b");
    ck_assert_str_eq(options.log_path, "a'b");
}
END_TEST

START_TEST(bad_quotes_are_reported)
{
    parse_warned("depth=3:log_path='/tmp/x:depth=4",
                 "THREADLEAK_OPTIONS: log_path=/tmp/x:depth=4 has no closing quote; ignored");
    ck_assert_uint_eq(options.depth, 3);
    ck_assert_str_eq(options.log_path, "stderr");
    parse_warned("log_path='a'b:depth=4",
                 "THREADLEAK_OPTIONS: log_path=a goes on after its closing quote; ignored");
    ck_assert_uint_eq(options.depth, 4);
}
END_TEST

START_TEST(lists_go_on_over_commas)
{
    parse_clean("report=running,unjoined:judge=exit");
    ck_assert_uint_eq(options.report, KIND_RUNNING | KIND_UNJOINED);
    ck_assert_uint_eq(options.judge, JUDGE_EXIT);
    parse_clean("judge=_exit+quick_exit,exec,signal:report=detached");
    ck_assert_uint_eq(options.judge, JUDGE__EXIT | JUDGE_QUICK_EXIT | JUDGE_EXEC | JUDGE_SIGNAL);
    ck_assert_uint_eq(options.report, KIND_DETACHED);
    parse_clean("report='running,detached'");
    ck_assert_uint_eq(options.report, KIND_RUNNING | KIND_DETACHED);
    parse_clean("judge=all:report=none");
    ck_assert_uint_eq(options.judge, JUDGE_ALL);
    ck_assert_uint_eq(options.report, 0);
    /* the key `signal` and the end `signal` */
    parse_clean("judge=exit,signal,signal=USR1");
    ck_assert_uint_eq(options.judge, JUDGE_EXIT | JUDGE_SIGNAL);
    ck_assert_int_eq(options.signal, SIGUSR1);
}
END_TEST

START_TEST(lists_do_not_take_untracked)
{
    parse_warned("report=running,exit",
                 "THREADLEAK_OPTIONS: unknown key 'exit' (did you mean exitcode) is ignored; "
                 "help=1 lists the keys");
    ck_assert_uint_eq(options.report, KIND_RUNNING);
    /* the list is over once another key has begun */
    parse_warned("report=running:depth=5:unjoined",
                 "THREADLEAK_OPTIONS: unknown key 'unjoined' is ignored; help=1 lists the keys");
    ck_assert_uint_eq(options.report, KIND_RUNNING);
    /* one warning for a list, and the default stays */
    parse_warned("report=runing,unjoined:judge=exec",
                 "THREADLEAK_OPTIONS: report=runing is not a list of running, detached, unjoined, "
                 "all, none; ignored");
    ck_assert_uint_eq(options.report, KIND_ALL);
    ck_assert_uint_eq(options.judge, JUDGE_EXEC);
}
END_TEST

START_TEST(unknown_keys_and_bad_values_are_named)
{
    parse_warned(
        "dept=3",
        "THREADLEAK_OPTIONS: unknown key 'dept' (did you mean depth) is ignored; help=1 lists the keys");
    parse_warned("depth", "THREADLEAK_OPTIONS: depth has no value; ignored");
    parse_warned("depth=", "THREADLEAK_OPTIONS: depth= is not a number of frames from 1 to 256; ignored");
    parse_warned("=3", "THREADLEAK_OPTIONS: unknown key '' is ignored; help=1 lists the keys");
    static const char *const bad[] = {
        "depth=0",       "depth=257",       "depth=-1",
        "depth=3x",      "depth=0x10",      "exitcode=256",
        "exitcode=",     "grace_ms=1s",     "grace_ms=99999999999999999999999",
        "signal=KILL",   "signal=9",        "signal=SEGV",
        "signal=0",      "signal=32",       "signal=65",
        "signal=RTMIN+", "signal=RTMIN+31", "signal=RTMINX",
        "signal=SIG",    "follow=2",        "follow=maybe",
        "color=red",     "format=",         "format=a/b",
        "log_path=",     "judge=running",   "report=",
        "report=+",      "suppressions=''",
    };
    struct options before;
    options_defaults(&before);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(bad[i]);
        ck_assert_msg(warned == 1, "%s: %d warnings", bad[i], warned);
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both began as zeros, padding included */
        ck_assert_msg(!memcmp(&before, &options, sizeof(before)), "%s changed something", bad[i]);
    }
}
END_TEST

START_TEST(warnings_are_one_printable_line)
{
    char text[4096] = "depth='";
    memset(text + 7, '\n', 3000);
    strcat(text, "'");
    parse(text);
    ck_assert_int_eq(warned, 1);
    ck_assert_ptr_nonnull(strstr(warnings[0], "???... is not a number of frames from 1 to 256"));
    memset(text, 'k', 4000);
    parse(text);
    ck_assert_int_eq(warned, 1);
    ck_assert_ptr_nonnull(strstr(warnings[0], "kkk...' is ignored"));
}
END_TEST

START_TEST(later_wins)
{
    parse_clean("depth=3:report=running:signal=USR1:depth=5:report=unjoined:signal=none");
    ck_assert_uint_eq(options.depth, 5);
    ck_assert_uint_eq(options.report, KIND_UNJOINED);
    ck_assert_int_eq(options.signal, 0);
    options_parse(&options, "depth=6", NULL, NULL);
    ck_assert_uint_eq(options.depth, 6);
    parse("depth=3:depth=x");
    ck_assert_uint_eq(options.depth, 3);
}
END_TEST

START_TEST(signals_have_many_names)
{
    const struct {
        const char *text;
        int signal;
    } names[] = {{"USR1", SIGUSR1},   {"SIGUSR2", SIGUSR2},      {"sigquit", SIGQUIT}, {"10", 10},
                 {"RTMIN", SIGRTMIN}, {"RTMIN+3", SIGRTMIN + 3}, {"40", 40},           {"none", 0}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        options_defaults(&options);
        ck_assert_ptr_null(options_set(&options, "signal", names[i].text, strlen(names[i].text)));
        ck_assert_int_eq(options.signal, names[i].signal);
    }
}
END_TEST

START_TEST(overlong_values_are_refused_whole)
{
    static char text[OPTIONS_PATH_MAX + 64];
    size_t key = strlen(strcpy(text, "log_path="));
    memset(text + key, 'x', OPTIONS_PATH_MAX - 1);
    parse_clean(text);
    ck_assert_uint_eq(strlen(options.log_path), OPTIONS_PATH_MAX - 1);
    text[key + OPTIONS_PATH_MAX - 1] = 'x';
    parse(text);
    ck_assert_int_eq(warned, 1);
    ck_assert_str_eq(options.log_path, "stderr");
    parse("format=abcdefghijklmnop");
    ck_assert_int_eq(warned, 1);
    ck_assert_str_eq(options.format, "text");
}
END_TEST

START_TEST(suppressions_add_up)
{
    parse_clean("suppressions=a:suppressions='b c':suppressions=d,suppressions=e");
    ck_assert_uint_eq(options.suppressions_count, 4);
    ck_assert_str_eq(options.suppressions[1], "b c");
    ck_assert_str_eq(options.suppressions[3], "e");
    const char *problem = options_set(&options, "suppressions", "f", 1);
    ck_assert_str_eq(problem, "is one file too many: at most 4 can be given");
    ck_assert_uint_eq(options.suppressions_count, 4);
}
END_TEST

START_TEST(set_knows_its_keys)
{
    options_defaults(&options);
    ck_assert_ptr_eq(options_set(&options, "nothing", "1", 1), options_unknown_key);
    ck_assert_ptr_eq(options_set(&options, "", "1", 1), options_unknown_key);
    /* the value need not be terminated */
    ck_assert_ptr_null(options_set(&options, "depth", "123", 2));
    ck_assert_uint_eq(options.depth, 12);
}
END_TEST

START_TEST(every_key_has_a_row)
{
    const struct options_key *key;
    for (unsigned n = 0; (key = options_key(n)); n++) {
        const char *problem = options_set(&options, key->name, "", 0);
        ck_assert(problem && problem != options_unknown_key);
        ck_assert_ptr_eq(options_key_find(slice_of(key->name)), key);
        if (*key->initial)
            ck_assert_ptr_null(options_set(&options, key->name, key->initial, strlen(key->initial)));
        ck_assert_uint_gt(strlen(key->help), 0);
    }
    ck_assert_ptr_null(options_key_find(slice_of("nothing")));
}
END_TEST

START_TEST(paths_expand)
{
    char out[32];
    ck_assert(options_expand_path(out, sizeof(out), "/l/%h.%p.%%.%x%", 42, "/usr/bin/app"));
    ck_assert_str_eq(out, "/l/app.42.%.%x%");
    ck_assert(options_expand_path(out, sizeof(out), "%h", 42, NULL));
    ck_assert_str_eq(out, "unknown");
    ck_assert(options_expand_path(out, sizeof(out), "%h", 42, "app"));
    ck_assert_str_eq(out, "app");
    ck_assert(options_expand_path(out, 3, "%p", 42, ""));
    ck_assert_str_eq(out, "42");
    ck_assert(!options_expand_path(out, 2, "%p", 42, ""));
    ck_assert_str_eq(out, "");
    ck_assert(!options_expand_path(out, 0, "", 42, ""));
}
END_TEST

static const char *take_extra(void *arg, const char *key, const char *value, size_t length)
{
    ck_assert_ptr_eq(arg, &warned);
    if (!strcmp(key, "depth"))
        return "means nothing here";
    if (strcmp(key, "extra"))
        return options_unknown_key;
    return length == 3 && !memcmp(value, "a b", 3) ? NULL : "is not what was expected";
}

START_TEST(lists_are_written_as_they_are_read)
{
    char text[OPTIONS_LIST_MAX];
    for (unsigned bits = 0; bits <= JUDGE_ALL; bits++) {
        if (bits & ~JUDGE_ALL)
            continue;
        options_judge_text(bits, text);
        ck_assert_ptr_null(options_set(&options, "judge", text, strlen(text)));
        ck_assert_uint_eq(options.judge, bits);
    }
    options_judge_text(JUDGE_ALL, text);
    ck_assert_str_eq(text, "exit,_exit,quick_exit,exec,signal,death_test");
    options_report_text(KIND_ALL, text);
    ck_assert_str_eq(text, "running,detached,unjoined");
    options_report_text(0, text);
    ck_assert_str_eq(text, "none");
}
END_TEST

START_TEST(others_bring_keys_of_their_own)
{
    const struct options_reader reader = {
        .origin = "the call", .extra = take_extra, .warn = remember, .arg = &warned};
    static const char *const expected[] = {
        "the call: depth=7 means nothing here",
        "the call: extra=x is not what was expected",
        "the call: unknown key 'other'",
        "the call: grace_ms=x is not a number of milliseconds from 0 to 3600000",
        "the call: extra has no value",
    };
    warned = 0;
    options_defaults(&options);
    options_read(&options, "extra='a b' grace_ms=5 depth=7 extra=x other=1 grace_ms=x extra", &reader);
    ck_assert_int_eq(warned, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(warnings[i], expected[i]);
    ck_assert_uint_eq(options.grace_ms, 5);
    ck_assert_uint_eq(options.depth, 64);
}
END_TEST

START_TEST(a_value_without_its_quotes_is_reported)
{
    const struct options_reader reader = {
        .origin = "the call", .extra = take_extra, .warn = remember, .arg = &warned, .quoted_key = "extra"};
    static const struct {
        const char *text, *expected; /* of the last item */
    } cases[] = {
        {"extra=x:pool", "the call: unknown key 'pool'; put a value with ':' in quotes: extra='x:pool'"},
        {"extra=x:a=b", "the call: unknown key 'a'; put a value with ':' in quotes: extra='x:a=b'"},
        {"extra=x pool", "the call: unknown key 'pool'"},
        {"extra='a b':pool", "the call: unknown key 'pool'"},
        {"grace_ms=1:pool", "the call: unknown key 'pool'"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        warned = 0;
        options_read(&options, cases[i].text, &reader);
        ck_assert_int_ge(warned, 1);
        ck_assert_str_eq(warnings[warned - 1], cases[i].expected);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("options");
    tcase_add_test(tests, defaults_are_those_documented);
    tcase_add_test(tests, every_separator_separates);
    tcase_add_test(tests, values_may_be_quoted);
    tcase_add_test(tests, bad_quotes_are_reported);
    tcase_add_test(tests, lists_go_on_over_commas);
    tcase_add_test(tests, lists_do_not_take_untracked);
    tcase_add_test(tests, unknown_keys_and_bad_values_are_named);
    tcase_add_test(tests, warnings_are_one_printable_line);
    tcase_add_test(tests, later_wins);
    tcase_add_test(tests, signals_have_many_names);
    tcase_add_test(tests, overlong_values_are_refused_whole);
    tcase_add_test(tests, suppressions_add_up);
    tcase_add_test(tests, set_knows_its_keys);
    tcase_add_test(tests, every_key_has_a_row);
    tcase_add_test(tests, paths_expand);
    tcase_add_test(tests, lists_are_written_as_they_are_read);
    tcase_add_test(tests, others_bring_keys_of_their_own);
    tcase_add_test(tests, a_value_without_its_quotes_is_reported);
    return suite_run("options", tests);
}
