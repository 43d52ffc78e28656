/* What is no rule, and is told with its place. */
#include <stdlib.h>
#include <string.h>

#include "suppressions_made.h"
#include "suite.h"

#define FIRST "thread:, start:, name:, module:, top: or any: was expected"
#define ALL "thread:, start:, name:, module:, top:, any:, waiting:, kind: or process: was expected"
#define IN_A_NAME "; if it is part of a name, write * for the blank before it"
#define EVERY "would match every thread; --allow-match-all if that is meant"
#define WAITS                                                                                             \
    "mutex, rwlock, condvar, semaphore, barrier, join, futex, pipe, socket, poll, epoll, signal, sleep, " \
    "file, other"

#define AT_END \
    "',' at the end of a pattern: conditions are separated by blanks; write * for a ',' of the name"
static const struct {
    const char *line, *error;
} wrong[] = {
    {"# x\nthread:ok\nleak:foo", ":3:1: unknown type 'leak:': " FIRST},
    {"foo", ":1:1: a rule begins with its type: " FIRST},
    {"  foo", ":1:3: a rule begins with its type: " FIRST},
    {"std::foo", ":1:1: a rule begins with its type: " FIRST},
    {"thread : x", ":1:1: a rule begins with its type: " FIRST},
    {":foo", ":1:1: a rule begins with its type: " FIRST},
    {"Thread:foo", ":1:1: unknown type 'Thread:': " FIRST},
    {"called_from_lib:x", ":1:1: unknown type 'called_from_lib:': " FIRST},
    {"thread:a wating:condvar", ":1:10: unknown type 'wating:': " ALL IN_A_NAME},
    {"waiting:condvar",
     ":1:1: 'waiting:' is a condition: it stands after thread:, start:, name:, module:, top: "
     "or any: with a pattern"},
    {"kind:running", ":1:1: 'kind:' is a condition: it stands after thread:, start:, name:, module:, top: or "
                     "any: with a pattern"},
    {"process:x", ":1:1: 'process:' is a condition: it stands after thread:, start:, name:, module:, top: or "
                  "any: with a pattern"},
    {"thread:", ":1:8: 'thread:' has no pattern"},
    {"thread:   ", ":1:8: 'thread:' has no pattern"},
    {"thread: # x", ":1:8: 'thread:' has no pattern"},
    {"thread: waiting:condvar", ":1:9: 'thread:' has no pattern"},
    {"start:x waiting:", ":1:17: 'waiting:' has no pattern"},
    {"start:x name:  kind:running", ":1:16: 'name:' has no pattern"},
    {"thread:^", ":1:8: thread:^ has no pattern: it would match every thread"},
    {"thread:$", ":1:8: thread:$ has no pattern: it would match every thread"},
    {"thread:^$", ":1:8: thread:^$ has no pattern: it would match every thread"},
    {"thread:a name:^$", ":1:15: name:^$ has no pattern: it would match every thread"},
    {"thread:a^b", ":1:9: '^' stands for the beginning of a name, so it cannot be inside of a pattern; write "
                   "* for a '^' of the name"},
    {"thread:^^a", ":1:9: '^' stands for the beginning of a name, so it cannot be inside of a pattern; write "
                   "* for a '^' of the name"},
    {"thread:a$b", ":1:9: '$' stands for the end of a name, so it cannot be inside of a pattern; write * for "
                   "a '$' of the name"},
    {"thread:a$$", ":1:9: '$' stands for the end of a name, so it cannot be inside of a pattern; write * for "
                   "a '$' of the name"},
    {"thread:$a", ":1:8: '$' stands for the end of a name, so it cannot be inside of a pattern; write * for "
                  "a '$' of the name"},
    {"thread:^$^", ":1:9: '$' stands for the end of a name, so it cannot be inside of a pattern; write * for "
                   "a '$' of the name"},
    {"start:thread:x", ":1:7: 'thread:' directly after 'start:': a pattern was expected"},
    {"start:^name:x", ":1:8: 'name:' directly after 'start:': a pattern was expected"},
    {"any:x waiting:cond", ":1:15: unknown thing to wait for 'cond': one of " WAITS " was expected"},
    {"any:x waiting:condvar,", ":1:23: unknown thing to wait for '': one of " WAITS " was expected"},
    {"any:x waiting:condvar, mutex",
     ":1:23: unknown thing to wait for ' mutex': one of " WAITS " was expected"},
    {"any:x waiting:*", ":1:15: unknown thing to wait for '*': one of " WAITS " was expected"},
    {"any:x waiting:condvar x",
     ":1:15: unknown thing to wait for 'condvar x': one of " WAITS " was expected"},
    {"any:x kind:alive", ":1:12: unknown kind 'alive': one of running, detached, unjoined was expected"},
    {"any:x kind:running,,", ":1:20: unknown kind '': one of running, detached, unjoined was expected"},
    {"any:x kind:running kind:detached",
     ":1:20: 'kind:' for the second time: write kind:A,B for one of several"},
    {"any:x waiting:poll waiting:epoll",
     ":1:20: 'waiting:' for the second time: write waiting:A,B for one of several"},
    /* no name can match these */
    {"start:worker, kind:running", ":1:13: " AT_END},
    {"start:worker; kind:running",
     ":1:13: ';' at the end of a pattern: conditions are separated by blanks; write "
     "* for a ';' of the name"},
    {"start:pair<int, kind:running", ":1:15: " AT_END},
    {"name:io, kind:running", ":1:8: " AT_END},
    {"start:worker,  # pool", ":1:13: " AT_END},
    {"start:worker,kind:running",
     ":1:13: ',' before 'kind:': conditions are separated by blanks; write * for a ',' "
     "of the name"},
    {"start:^worker kind=running",
     ":1:15: 'kind=' begins no condition: 'kind:' was expected; write * for a '=' of "
     "the name"},
    {"any:x kind:running, waiting:poll",
     ":1:20: unknown kind '': one of running, detached, unjoined was expected"},
    {"any:x kind:runing", ":1:12: unknown kind 'runing': one of running, detached, unjoined was expected"},
    {"any:x waiting:nosuch", ":1:15: unknown thing to wait for 'nosuch': one of " WAITS " was expected"},
    {"any:x strat:y", ":1:7: unknown type 'strat:': " ALL IN_A_NAME},
    {"any:x Kind:running", ":1:7: unknown type 'Kind:': " ALL IN_A_NAME},
    {"thread:pool.c:12", ":1:14: a rule knows functions and files, but no lines: this would never match"},
    {"name:^sixteen*bytes-xyz$", ":1:7: would never match: the name of a thread has at most 15 bytes"},
    {"any:x kind:unjoined",
     ":1:1: would never match: an unjoined thread has ended, so it has no top:, any: or "
     "waiting:"},
    {"  thread:x kind:unjoined waiting:poll",
     ":1:3: would never match: an unjoined thread has ended, so it has no top:, any: or waiting:"},
    {"thread:*", ":1:1: " EVERY},
    {"any:*", ":1:1: " EVERY},
    {" name:**", ":1:2: " EVERY},
    {"thread:^*$", ":1:1: " EVERY},
    {"top:^*", ":1:1: " EVERY},
    {"module:*$", ":1:1: " EVERY},
    {"module:/", ":1:1: " EVERY},
    {"thread:.*", ":1:1: " EVERY},
    {"thread:^/*", ":1:1: " EVERY},
    {"thread:* name:* process:^*$", ":1:1: " EVERY},
    {"thread:* kind:running,detached,unjoined", ":1:1: " EVERY},
    {"thread:a\tb\x01", ":1:11: byte 0x01 is not text: rules were expected, one a line"},
    {"thread:a\rthread:b\r\n", ":1:9: byte 0x0d is not text: rules were expected, one a line"},
    {"\xef\xbb\xbfx", ":1:1: a rule begins with its type: " FIRST},
    {"thread:ok\n\xef\xbb\xbfthread:x", ":2:1: a rule begins with its type: " FIRST},
    {"n:1 n:2 n:3", ":1:1: unknown type 'n:': " FIRST},
    {"name:1 name:2 name:3 name:4 name:5 name:6 name:7 name:8 name:9 name:10 name:11 name:12 name:13 "
     "name:14 name:15 name:16 name:17",
     ":1:120: more than 15 conditions"},
};

START_TEST(what_is_wrong_is_told)
{
    load_fails(wrong[_i].line, strlen(wrong[_i].line), wrong[_i].error);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 0);
}
END_TEST

START_TEST(binary_files_and_long_lines_are_told)
{
    char line[5000];
    load_fails("thread:a\0b\n", 11, ":1:9: byte 0x00 is not text: rules were expected, one a line");
    load_fails("\x7f"
               "ELF",
               4, ":1:1: byte 0x7f is not text: rules were expected, one a line");
    load_fails("\xff\xfet\0h\0", 6, ":1:4: byte 0x00 is not text: rules were expected, one a line");
    memset(line, 'x', sizeof(line));
    memcpy(line, "thread:", 7);
    load_fails(line, 4097, ":1:4097: line is longer than 4096 bytes");
    line[4096] = '\n';
    write_file(path, line, 4097);
    ck_assert_msg(suppressions_load(suppressions, path, &error), "%s", error.text);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 1);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_told)
{
    ck_assert(!suppressions_load(suppressions, "/nonexistent/rules", &error));
    ck_assert_str_eq(error.text, "/nonexistent/rules: cannot be read: No such file or directory");
    ck_assert(!suppressions_load(suppressions, "/tmp", &error));
    ck_assert_str_eq(error.text, "/tmp: cannot be read: Is a directory");
    ck_assert(!suppressions_load(suppressions, "/dev/zero", &error));
    ck_assert_str_eq(error.text, "/dev/zero: cannot be read: File too large");
    ck_assert(suppressions_load(suppressions, "/dev/null", &error));
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 0);
}
END_TEST

START_TEST(rules_for_every_thread_can_be_allowed)
{
    suppressions_allow_match_all(suppressions, true);
    load("thread:*\n");
    ck_assert_str_eq(match_function("anything"), "thread:*");
    ck_assert(suppressions_allow_match_all_set(suppressions));
    ck_assert(!suppressions_allow_match_all_set(NULL));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ignore_wrong");
    tcase_add_checked_fixture(tests, ignore_setup, ignore_teardown);
    tcase_add_loop_test(tests, what_is_wrong_is_told, 0, sizeof(wrong) / sizeof(*wrong));
    tcase_add_test(tests, binary_files_and_long_lines_are_told);
    tcase_add_test(tests, files_that_cannot_be_read_are_told);
    tcase_add_test(tests, rules_for_every_thread_can_be_allowed);
    return suite_run("ignore_wrong", tests);
}
