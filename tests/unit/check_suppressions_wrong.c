/* Wrong rules are reported with their place. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "suppressions_made.h"
#include "suite.h"

#define FIRST "use thread:, start:, name:, module:, top:, any: or test:"
#define ALL                                                                                 \
    "use thread:, start:, name:, module:, top:, any:, waiting:, kind:, process:, test: or " \
    "finding:"
#define IN_A_NAME "; if it is part of a name, write * for the blank before it"
#define EVERY "would match every thread; allow that with --allow-match-all"
#define WAITS                                                                                             \
    "mutex, rwlock, condvar, semaphore, barrier, join, futex, pipe, socket, poll, epoll, signal, sleep, " \
    "file, io_uring, other"

#define AT_END "',' at the end of a pattern: separate conditions by blanks, or write * for a ',' of the name"
static const struct {
    const char *line, *error;
} wrong[] = {
    {"# x\nthread:ok\nleak:foo", ":3:1: unknown type 'leak:'; " FIRST},
    {"foo", ":1:1: a rule begins with its type; " FIRST},
    {"  foo", ":1:3: a rule begins with its type; " FIRST},
    {"std::foo", ":1:1: a rule begins with its type; " FIRST},
    {"thread : x", ":1:1: a rule begins with its type; " FIRST},
    {":foo", ":1:1: a rule begins with its type; " FIRST},
    {"Thread:foo", ":1:1: unknown type 'Thread:' (did you mean thread:); " FIRST},
    {"called_from_lib:x", ":1:1: unknown type 'called_from_lib:'; " FIRST},
    {"thread:a wating:condvar", ":1:10: unknown type 'wating:' (did you mean waiting:); " ALL IN_A_NAME},
    {"waiting:condvar", ":1:1: 'waiting:' is only a condition; begin the rule with thread:, start:, name:, "
                        "module:, top:, any: or test: and a pattern"},
    {"kind:running", ":1:1: 'kind:' is only a condition; begin the rule with thread:, start:, name:, "
                     "module:, top:, any: or test: and a pattern"},
    {"process:x", ":1:1: 'process:' is only a condition; begin the rule with thread:, start:, name:, "
                  "module:, top:, any: or test: and a pattern"},
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
    {"thread:a^b", ":1:9: '^' means the beginning of a name, so it cannot be inside a pattern; write * for a "
                   "'^' of the name"},
    {"thread:^^a", ":1:9: '^' means the beginning of a name, so it cannot be inside a pattern; write * for a "
                   "'^' of the name"},
    {"thread:a$b",
     ":1:9: '$' means the end of a name, so it cannot be inside a pattern; write * for a '$' of the name"},
    {"thread:a$$",
     ":1:9: '$' means the end of a name, so it cannot be inside a pattern; write * for a '$' of the name"},
    {"thread:$a",
     ":1:8: '$' means the end of a name, so it cannot be inside a pattern; write * for a '$' of the name"},
    {"thread:^$^",
     ":1:9: '$' means the end of a name, so it cannot be inside a pattern; write * for a '$' of the name"},
    {"start:thread:x", ":1:7: 'thread:' directly after 'start:'; write a pattern there"},
    {"start:^name:x", ":1:8: 'name:' directly after 'start:'; write a pattern there"},
    {"any:x waiting:cond", ":1:15: unknown wait 'cond' (did you mean condvar); use " WAITS},
    {"any:x waiting:condvar,", ":1:23: unknown wait ''; use " WAITS},
    {"any:x waiting:condvar, mutex", ":1:23: unknown wait ' mutex' (did you mean mutex); use " WAITS},
    {"any:x waiting:*", ":1:15: unknown wait '*'; use " WAITS},
    {"any:x waiting:condvar x", ":1:15: unknown wait 'condvar x' (did you mean condvar); use " WAITS},
    {"any:x kind:alive", ":1:12: unknown kind 'alive'; use running, detached, unjoined"},
    {"any:x kind:running,,", ":1:20: unknown kind ''; use running, detached, unjoined"},
    {"any:x kind:running kind:detached",
     ":1:20: 'kind:' for the second time; write kind:A,B for one of several"},
    {"any:x waiting:poll waiting:epoll",
     ":1:20: 'waiting:' for the second time; write waiting:A,B for one of several"},
    /* no name can match these */
    {"start:worker, kind:running", ":1:13: " AT_END},
    {"start:worker; kind:running",
     ":1:13: ';' at the end of a pattern: separate conditions by blanks, or write * for a ';' of the name"},
    {"start:pair<int, kind:running", ":1:15: " AT_END},
    {"name:io, kind:running", ":1:8: " AT_END},
    {"start:worker,  # pool", ":1:13: " AT_END},
    {"start:worker,kind:running",
     ":1:13: ',' before 'kind:': separate conditions by blanks, or write * for a ',' of the name"},
    {"start:^worker kind=running",
     ":1:15: 'kind=' begins no condition; use 'kind:', or write * for a '=' of the name"},
    {"any:x kind:running, waiting:poll", ":1:20: unknown kind ''; use running, detached, unjoined"},
    {"any:x kind:runing",
     ":1:12: unknown kind 'runing' (did you mean running); use running, detached, unjoined"},
    {"any:x waiting:nosuch", ":1:15: unknown wait 'nosuch'; use " WAITS},
    {"any:x strat:y", ":1:7: unknown type 'strat:' (did you mean start:); " ALL IN_A_NAME},
    {"any:x Kind:running", ":1:7: unknown type 'Kind:' (did you mean kind:); " ALL IN_A_NAME},
    {"thread:pool.c:12", ":1:14: would never match: a rule names functions and files, not lines"},
    {"name:^sixteen*bytes-xyz$", ":1:7: would never match: the thread's name has at most 15 bytes"},
    {"any:x kind:unjoined",
     ":1:1: would never match: an unjoined thread has ended, so it has no top:, any: or waiting:"},
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
    {"thread:a\tb\x01", ":1:11: byte 0x01 is not text; a file of rules has one a line"},
    {"thread:a\rthread:b\r\n", ":1:9: byte 0x0d is not text; a file of rules has one a line"},
    {"\xef\xbb\xbfx", ":1:1: a rule begins with its type; " FIRST},
    {"thread:ok\n\xef\xbb\xbfthread:x", ":2:1: a rule begins with its type; " FIRST},
    {"n:1 n:2 n:3", ":1:1: unknown type 'n:'; " FIRST},
    {"name:1 name:2 name:3 name:4 name:5 name:6 name:7 name:8 name:9 name:10 name:11 name:12 name:13 name:14 "
     "name:15 name:16 name:17",
     ":1:120: more than 15 conditions"},
};

START_TEST(what_is_wrong_is_reported)
{
    load_fails(wrong[_i].line, strlen(wrong[_i].line), wrong[_i].error);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 0);
}
END_TEST

/* The message lists the codes, which are those of findings.def. */
START_TEST(an_unknown_finding_is_reported)
{
    char expected[400];
    size_t used = (size_t)snprintf(expected, sizeof(expected),
                                   ":1:17: unknown finding 'deadlok' (did you mean deadlock); use ");
    for (int code = 0; code < FINDING_CODES; code++)
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s%s", code ? ", " : "",
                                 finding_name((enum finding_code)code));
    load_fails("any:x   finding:deadlok", 23, expected);
    load_fails("finding:deadlock", 16,
               ":1:1: 'finding:' is only a condition; begin the rule with thread:, start:, "
               "name:, module:, top:, any: or test: and a pattern");
}
END_TEST

START_TEST(binary_files_and_long_lines_are_reported)
{
    char line[5000];
    load_fails("thread:a\0b\n", 11, ":1:9: byte 0x00 is not text; a file of rules has one a line");
    load_fails("\177ELF", 4, ":1:1: byte 0x7f is not text; a file of rules has one a line");
    load_fails("\xff\xfet\0h\0", 6, ":1:4: byte 0x00 is not text; a file of rules has one a line");
    memset(line, 'x', sizeof(line));
    memcpy(line, "thread:", 7);
    load_fails(line, 4097, ":1:4097: line is longer than 4096 bytes");
    line[4096] = '\n';
    write_file(path, line, 4097);
    ck_assert_msg(suppressions_load(suppressions, path, &error), "%s", error.text);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 1);
}
END_TEST

START_TEST(files_that_cannot_be_read_are_reported)
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
    tcase_add_loop_test(tests, what_is_wrong_is_reported, 0, sizeof(wrong) / sizeof(*wrong));
    tcase_add_test(tests, an_unknown_finding_is_reported);
    tcase_add_test(tests, binary_files_and_long_lines_are_reported);
    tcase_add_test(tests, files_that_cannot_be_read_are_reported);
    tcase_add_test(tests, rules_for_every_thread_can_be_allowed);
    return suite_run("ignore_wrong", tests);
}
