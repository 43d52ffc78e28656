/* What each type of rule matches, and the sources of rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suppressions_made.h"
#include "suite.h"
#include "common/options.h"

/* ---- types -------------------------------------------------------------------------------- */

static const struct {
    const char *rule;
    bool matches;
} of_whole_thread[] = {
    /* any creation frame, or the start routine: function, file, module */
    {"thread:^pool_start$", true},
    {"thread:^main$", true},
    {"thread:^/src/pool.c$", true},
    {"thread:main.c", true},
    {"thread:libnameless", true},
    {"thread:^worker$", true},
    {"thread:^libpool", true},
    {"thread:^pool.c$", true},
    {"thread:^ool.c$", false},
    {"thread:wait_for_job", false},
    {"thread:io 1", false},
    /* libc's own beginning is no part of it */
    {"thread:_start$", true}, /* pool_start */
    {"thread:^_start$", false},
    {"thread:__libc_start", false},
    {"thread:libc.so.6", false},
    {"start:^worker$", true},
    {"start:^libpool.so.1+0x1234$", true},
    {"start:+0x12", true},
    {"start:pool_start", false},
    {"start:/src/pool.c", false},
    {"start:/usr/lib", false},
    {"name:^io 1$", true},
    {"name:io", true},
    {"name:^1", false},
    {"name:worker", false},
    {"module:^libpool.so.1$", true},
    {"module:^/usr/lib/libpool.so.1$", true},
    {"module:^app$", true},
    {"module:pool_start", false},
    {"module:libc.so", false},
    /* the innermost, the one that is shown first, and the user's first */
    {"top:^__futex_abstimed_wait$", true},
    {"top:^wait_common$", false},
    {"top:^pthread_cond_wait$", true},
    {"top:^wait_for_job$", true},
    {"top:^worker$", false},
    {"top:pool_start", false},
    {"any:^wait_common$", true},
    {"any:^worker$", true},
    {"any:start_thread", false},
    {"any:clone3", false},
    {"any:pool_start", false},
    {"any:libc.so", false},
    /* conditions */
    {"thread:pool waiting:condvar", true},
    {"thread:pool waiting:mutex,condvar,sleep", true},
    {"thread:pool waiting:mutex", false},
    {"thread:pool kind:running", true},
    {"thread:pool kind:unjoined,running", true},
    {"thread:pool kind:detached", false},
    {"thread:pool process:^app$", true},
    {"thread:pool process:^/usr/bin/app$", true},
    {"thread:pool process:^bin", false},
    {"start:worker top:cond_wait name:^io waiting:condvar kind:running", true},
    {"start:worker top:cond_wait name:^ip waiting:condvar kind:running", false},
    {"test:^Pool.Starts$", true},
    {"test:Pool", true},
    {"test:^Pool.Ends$", true}, /* the process ran it later */
    {"test:Pool.Other", false},
    {"thread:pool test:Starts$", true},
    {"thread:pool test:^Starts", false},
    {"thread:* waiting:condvar", true},
    {"top:pthread_cond_wait thread:^main$", true},
    {"top:pthread_cond_wait thread:^other$", false},
    {"name:io name:1", true},
    {"name:io name:2", false},
    {"thread:operator new(unsigned long) name:io 1 module:app", true},
};

START_TEST(each_type_matches_its_own_facts)
{
    whole_thread();
    ck_assert_msg(matches(of_whole_thread[_i].rule) == of_whole_thread[_i].matches, "%s",
                  of_whole_thread[_i].rule);
}
END_TEST

START_TEST(a_finding_is_a_condition)
{
    whole_thread();
    thread.findings = 1u << FINDING_DEAD_OWNER;
    ck_assert(matches("thread:pool finding:dead-owner"));
    ck_assert(matches("thread:pool finding:deadlock,dead-owner"));
    ck_assert(!matches("thread:pool finding:deadlock"));
    ck_assert(!matches("thread:elsewhere finding:dead-owner"));
    ck_assert(matches("thread:pool"));
    thread.finding_alone = true; /* what suppresses the finding itself */
    ck_assert(matches("thread:pool finding:dead-owner"));
    ck_assert(!matches("thread:pool"));
    thread.findings = 0;
    ck_assert(!matches("thread:pool finding:dead-owner"));
}
END_TEST

/* A symbolic link's name is what its user knows. */
START_TEST(a_process_has_two_names)
{
    whole_thread();
    site.process = "/usr/bin/redis-check-rdb";
    site.called = "bin/redis-server";
    ck_assert(matches("thread:pool process:^redis-check-rdb$"));
    ck_assert(matches("thread:pool process:^/usr/bin/redis-check-rdb$"));
    ck_assert(matches("thread:pool process:^redis-server$"));
    ck_assert(matches("thread:pool process:^bin/redis-server$"));
    ck_assert(!matches("thread:pool process:^redis$"));
}
END_TEST

static const char *const of_no_current[] = {"top:wait", "any:worker", "thread:pool waiting:condvar",
                                            "thread:pool top:*", "any:*wait*"};

START_TEST(what_is_not_known_never_matches)
{
    whole_thread();
    thread.current = NULL;
    thread.current_count = 0;
    thread.waiting = WAIT_NONE;
    for (size_t i = 0; i < sizeof(of_no_current) / sizeof(*of_no_current); i++)
        ck_assert_msg(!matches(of_no_current[i]), "%s", of_no_current[i]);
    ck_assert(matches("thread:pool"));
    thread.name = "";
    ck_assert(!matches("thread:pool name:*"));
    thread.name = NULL;
    ck_assert(!matches("thread:pool name:*"));
    site.process = NULL;
    ck_assert(!matches("thread:pool process:*"));
    site.called = "/usr/bin/python3";
    ck_assert(matches("thread:pool process:^python3$"));
    site.start = NULL;
    ck_assert(!matches("start:worker"));
    ck_assert(!matches("thread:worker"));
    site.stack_count = 0;
    ck_assert(!matches("thread:pool"));
}
END_TEST

START_TEST(a_stack_of_libc_alone_has_a_top)
{
    whole_thread();
    thread.current_count = 3;
    ck_assert(matches("top:__futex"));
    ck_assert(!matches("top:pthread_cond_wait"));
    ck_assert(matches("any:pthread_cond_wait"));
}
END_TEST

START_TEST(a_start_without_symbols_is_no_frame_either)
{
    struct frame frames[] = {{.function = "f", .module = "/usr/bin/app"},
                             {.module = "/lib/libc.so.6", .runtime = true},
                             {.module = "/usr/bin/app", .runtime = true}};
    whole_thread();
    site.stack = frames;
    site.stack_count = 3;
    ck_assert(!matches("thread:libc.so"));
    ck_assert(matches("thread:/app"));
    frames[0].module = NULL;
    ck_assert(!matches("thread:/app"));
}
END_TEST

START_TEST(the_first_rule_counts)
{
    load("thread:nothing\nname:^io\nthread:pool\n");
    whole_thread();
    ck_assert_str_eq(match(), "name:^io");
    thread.name = "other";
    ck_assert_str_eq(match(), "thread:pool");
}
END_TEST

START_TEST(a_matcher_goes_on_to_other_sites_and_threads)
{
    struct frame others[] = {{.function = "elsewhere"}};
    load("thread:pool top:wait_for_job\nthread:elsewhere\n");
    whole_thread();
    struct suppression_matcher *matcher = suppression_matcher_new(suppressions);
    suppression_matcher_site(matcher, &site);
    ck_assert_str_eq(suppression_matcher_find(matcher, &thread)->text, "thread:pool top:wait_for_job");
    ck_assert_ptr_null(suppression_matcher_find(
        matcher, &(struct suppression_thread){.current = current + 4, .current_count = 3}));
    ck_assert_str_eq(suppression_matcher_find(matcher, &thread)->text, "thread:pool top:wait_for_job");
    suppression_matcher_site(matcher, &(struct suppression_site){.stack = others, .stack_count = 1});
    ck_assert_str_eq(suppression_matcher_find(matcher, &thread)->text, "thread:elsewhere");
    suppression_matcher_site(matcher, &(struct suppression_site){.stack = others, .stack_count = 0});
    ck_assert_ptr_null(suppression_matcher_find(matcher, &thread));
    suppression_matcher_free(matcher);
}
END_TEST

/* ---- where rules come from -------------------------------------------------------------------- */

START_TEST(files_add_up)
{
    load("thread:one\n");
    load("thread:two\n");
    ck_assert_str_eq(match_function("one two"), "thread:one");
    ck_assert(match_function("two"));
}
END_TEST

START_TEST(a_wrong_file_adds_nothing)
{
    load("thread:kept\n");
    load_fails("thread:before\nthread:\n", 22, ":2:8: 'thread:' has no pattern");
    ck_assert(match_function("kept"));
    ck_assert_ptr_null(match_function("before"));
    load("thread:after\n");
    ck_assert(match_function("after"));
}
END_TEST

START_TEST(a_text_has_an_origin)
{
    ck_assert(suppressions_load_text(suppressions, "# x\n\nthread:a\nname:b", "rules of ./app", &error));
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 2);
    ck_assert_str_eq(suppressions_rule_at(suppressions, 1)->origin, "rules of ./app");
    ck_assert_uint_eq(suppressions_rule_at(suppressions, 1)->line, 4);
    ck_assert_int_eq(suppressions_rule_at(suppressions, 1)->source, SUPPRESSION_PROGRAM);
    ck_assert(!suppressions_load_text(suppressions, "name:c\n lead:x\n", "rules of ./app", &error));
    ck_assert_str_eq(error.text, "rules of ./app:2:2: unknown type 'lead:'; use thread:, start:, name:, "
                                 "module:, top:, any: or test:");
    ck_assert(suppressions_load_text(suppressions, "", "nothing", &error));
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 2);
}
END_TEST

START_TEST(a_directory_is_read_by_name)
{
    char directory[64], name[128];
    static const char *const files[] = {"b.supp", "B.supp", "a.supp", "a.txt", ".x.supp", ".supp"};
    scratch_directory(directory, sizeof(directory));
    for (size_t i = 0; i < 6; i++) {
        char text[64];
        snprintf(name, sizeof(name), "%s/%s", directory, files[i]);
        snprintf(text, sizeof(text), i < 3 ? "thread:of %s\n" : "%s is no rule", files[i]);
        write_file(name, text, strlen(text));
    }
    ck_assert_msg(suppressions_load_directory(suppressions, directory, &error), "%s", error.text);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 3);
    ck_assert_str_eq(suppressions_rule_at(suppressions, 0)->text, "thread:of B.supp");
    ck_assert_str_eq(suppressions_rule_at(suppressions, 1)->text, "thread:of a.supp");
    ck_assert_str_eq(suppressions_rule_at(suppressions, 2)->text, "thread:of b.supp");
    ck_assert_int_eq(suppressions_rule_at(suppressions, 2)->source, SUPPRESSION_SHIPPED);
    snprintf(name, sizeof(name), "%s/b.supp", directory);
    write_file(name, "x", 1);
    ck_assert(!suppressions_load_directory(suppressions, directory, &error));
    ck_assert_msg(strncmp(error.text, name, strlen(name)) == 0, "%s", error.text);
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 3);
    for (size_t i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "%s/%s", directory, files[i]);
        unlink(name);
    }
    rmdir(directory);
    ck_assert(suppressions_load_directory(suppressions, directory, &error));
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 3);
}
END_TEST

START_TEST(a_frame_without_a_name_matches_by_its_place)
{
    whole_thread();
    ck_assert(matches("thread:^libnameless.so+0x10$"));
    ck_assert(matches("thread:libnameless.so+0x"));
    ck_assert(!matches("thread:^libnameless.so+0x1$"));
    ck_assert(!matches("thread:^libnameless.so+0x100$"));
    ck_assert(!matches("module:^libnameless.so+0x10$"));
    ck_assert(!matches("thread:x10"));              /* part of a name, not of a place */
    ck_assert(!matches("thread:^libpool.so.1+*$")); /* a frame with a name matches by that */
    ck_assert(!matches("thread:^libpool.so.1+0x1234$"));
    ck_assert(matches("start:^libpool.so.1+0x1234$"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ignore");
    tcase_add_checked_fixture(tests, ignore_setup, ignore_teardown);
    tcase_add_loop_test(tests, each_type_matches_its_own_facts, 0,
                        sizeof(of_whole_thread) / sizeof(*of_whole_thread));
    tcase_add_test(tests, a_finding_is_a_condition);
    tcase_add_test(tests, a_process_has_two_names);
    tcase_add_test(tests, what_is_not_known_never_matches);
    tcase_add_test(tests, a_stack_of_libc_alone_has_a_top);
    tcase_add_test(tests, a_start_without_symbols_is_no_frame_either);
    tcase_add_test(tests, the_first_rule_counts);
    tcase_add_test(tests, a_matcher_goes_on_to_other_sites_and_threads);
    tcase_add_test(tests, files_add_up);
    tcase_add_test(tests, a_wrong_file_adds_nothing);
    tcase_add_test(tests, a_text_has_an_origin);
    tcase_add_test(tests, a_directory_is_read_by_name);
    tcase_add_test(tests, a_frame_without_a_name_matches_by_its_place);
    return suite_run("suppressions_types", tests);
}
