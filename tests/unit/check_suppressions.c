/* Rules: where they come from, and what they match. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suppressions_made.h"
#include "suite.h"
#include "common/options.h"

/* ---- patterns ---------------------------------------------------------------------------- */

START_TEST(no_rules_match_nothing)
{
    load("\n# thread:main\n   \n\t# x\n#\n");
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 0);
    whole_thread();
    ck_assert_ptr_null(match());
    suppressions_free(suppressions);
    suppressions = NULL;
    ck_assert_ptr_null(match());
}
END_TEST

START_TEST(a_pattern_matches_anywhere)
{
    load("thread:pool\n");
    ck_assert_str_eq(match_function("pool"), "thread:pool");
    ck_assert(match_function("my_pool_start"));
    ck_assert_ptr_null(match_function("poo"));
    ck_assert_ptr_null(match_function("Pool"));
}
END_TEST

START_TEST(anchors_tie)
{
    load("thread:^begin\nthread:end$\nthread:^whole$\n");
    ck_assert_str_eq(match_function("begin_x"), "thread:^begin");
    ck_assert_ptr_null(match_function("x_begin"));
    ck_assert_str_eq(match_function("x_end"), "thread:end$");
    ck_assert_str_eq(match_function("end_end"), "thread:end$");
    ck_assert_ptr_null(match_function("end_x"));
    ck_assert_str_eq(match_function("whole"), "thread:^whole$");
    ck_assert_ptr_null(match_function("wholes"));
    ck_assert_ptr_null(match_function("awhole"));
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

START_TEST(blanks_and_line_ends_do_not_matter)
{
    load("\xef\xbb\xbf  thread:a b \r\n\tthread:^c$\t\n\r\nthread:\td  # because\nthread:last");
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 4);
    ck_assert_str_eq(match_function("a b"), "thread:a b");
    ck_assert_str_eq(match_function("c"), "thread:^c$");
    ck_assert_str_eq(match_function("d"), "thread:\td");
    ck_assert_str_eq(match_function("last"), "thread:last");
    ck_assert_uint_eq(suppressions_rule_at(suppressions, 3)->line, 5);
    ck_assert_str_eq(suppressions_rule_at(suppressions, 3)->origin, path);
    ck_assert_int_eq(suppressions_rule_at(suppressions, 3)->source, SUPPRESSION_USER);
}
END_TEST

START_TEST(names_may_have_blanks_colons_and_number_signs)
{
    load("thread:^operator new(unsigned long)$\nthread:foo(int, std::string const&)\n"
         "thread:main::{lambda()#1}\nthread:^a ::b$\n");
    ck_assert(match_function("operator new(unsigned long)"));
    ck_assert(match_function("foo(int, std::string const&)"));
    ck_assert_ptr_null(match_function("foo(int,"));
    ck_assert(match_function("main::{lambda()#1}::operator()() const"));
    ck_assert_ptr_null(match_function("main::{lambda()#2}::operator()() const"));
    ck_assert(match_function("a ::b"));
}
END_TEST

static const struct {
    const char *rule, *function;
    bool matches;
} of_functions[] = {
    {"thread:^beat$", "beat", true},
    {"thread:^beat$", "beat(int)", true},
    {"thread:^beat$", "beat()", true},
    {"thread:^beat$", "ns::beat(int)", false},
    {"thread:^ns::beat$", "ns::beat(int) const", true},
    {"thread:^ns::beat$", "ns::beat(int) const &", true},
    {"thread:^ns::beat$", "ns::beat(void (*)(int), std::pair<int, int>)", true},
    {"thread:^beat$", "beat(int) [clone .isra.0]", true},
    {"thread:^beat$", "beats(int)", false},
    {"thread:^beat$", "drum(beat)", false},
    {"thread:^beat$", "drum(int (*)(beat))", false},
    {"thread:^int$", "beat(int)", false},
    {"thread:^(anonymous namespace)::beat$", "(anonymous namespace)::beat(int)", false},
    {"thread:^*anonymous namespace*::beat$", "(anonymous namespace)::beat(int)", true},
    {"thread:^beat(int)$", "beat(int)", true},
    {"thread:^beat()$", "beat(int)", false},
    {"thread:^beat(*$", "beat(int)", true},
    /* of a function within it, and what returns one, that is not the name */
    {"thread:^beat$", "beat(int)::{lambda()#1}::operator()() const", false},
    {"thread:^beat$", "beat(int)::local", false},
    {"thread:^beat$", "void (*beat(int))(char)", false},
    {"thread:operator$", "beat::operator()", false},
    {"thread:^beat::my_operator$", "beat::my_operator(int)", true},
    {"thread:^beat::operator$", "beat::operator()(int)", false},
    {"thread:^operator new$", "operator new(unsigned long)", true},
    {"thread:^beat::operator bool$", "beat::operator bool() const", true},
    {"thread:^beat::operator->$", "beat::operator->()", true},
    {"thread:^std::ostream& operator<< <char>$", "std::ostream& operator<< <char>(std::ostream&, char)",
     true},
    {"thread:{lambda*operator*$", "main::{lambda()#1}::operator()(int) const", true},
    /* templates: with the type that they return, or without it */
    {"thread:^beat<int>$", "void beat<int>(int)", true},
    {"thread:^void beat<int>$", "void beat<int>(int)", true},
    {"thread:^beat$", "void beat<int>(int)", false},
    {"thread:^beat<*>$", "void beat<std::pair<int, long> >(int)", true},
    {"thread:^ns::beat<int>$", "std::enable_if<(1 > 0), int>::type ns::beat<int>(int)", true},
    {"thread:^beat$", ")", false},
    {"thread:^beat$", "(", false},
    {"thread:^beat$", " const", false},
    {"thread:^beat$", "", false},
    {"thread:^beat$", "beat(int))", false},
};

START_TEST(functions_match_without_their_arguments)
{
    whole_thread();
    const struct frame frame = {.function = of_functions[_i].function};
    site.stack = &frame;
    site.stack_count = 1;
    ck_assert_msg(matches(of_functions[_i].rule) == of_functions[_i].matches, "%s: %s", of_functions[_i].rule,
                  of_functions[_i].function);
}
END_TEST

START_TEST(every_type_of_function_matches_without_arguments)
{
    const struct frame frame = {.function = "beat(int)"};
    thread = (struct suppression_thread){.name = "beat(int)", .current = &frame, .current_count = 1};
    site =
        (struct suppression_site){.stack = &frame, .stack_count = 1, .start = &frame, .kind = KIND_RUNNING};
    ck_assert(matches("start:^beat$"));
    ck_assert(matches("thread:^beat$"));
    ck_assert(matches("top:^beat$"));
    ck_assert(matches("any:^beat$"));
    ck_assert(!matches("name:^beat$"));
}
END_TEST

/* What a runtime's start routine calls is known of a whole current stack alone. */
START_TEST(start_is_what_a_runtime_calls)
{
    static const struct frame runtime = {
        .module = "/usr/lib/libstdc++.so.6", .offset = 0x10, .runtime = true};
    static const struct frame now[] = {
        {.function = "pause", .runtime = true},
        {.function = "rest()"},
        {.function = "job(int)"},
        {.function = "std::thread::_State_impl<std::thread::_Invoker<int> >::_M_run()", .runtime = true},
        {.module = "/usr/lib/libstdc++.so.6", .runtime = true},
    };
    whole_thread();
    site.start = &runtime;
    thread.current = now;
    thread.current_count = 5;
    thread.current_whole = true;
    ck_assert(matches("start:^job$"));
    ck_assert(matches("start:^job(int)$ kind:running"));
    ck_assert(matches("start:^libstdc"));
    ck_assert(!matches("start:^rest$"));
    ck_assert(!matches("start:_M_run"));
    ck_assert(!matches("start:^job$ kind:detached"));
    thread.current_whole = false;
    ck_assert(!matches("start:^job$"));
    ck_assert(matches("start:^libstdc"));
    thread.current_whole = true;
    site.start = &start; /* the user's own */
    ck_assert(!matches("start:^job$"));
    site.start = &runtime;
    thread.current = NULL;
    ck_assert(!matches("start:^job$"));
}
END_TEST

START_TEST(names_may_have_commas_and_colons)
{
    load("thread:foo<int, char>\nthread:^f(int,\nthread:^g<int, kind>\nthread:lambda(auto:1)\n"
         "thread:std::pair<long,\nname:a,\nthread:^x,kind:y$\nthread:^ns::c::12\n");
    ck_assert(match_function("void foo<int, char>()"));
    ck_assert(match_function("f(int, char)"));
    ck_assert(match_function("g<int, kind>()"));
    ck_assert(match_function("main::{lambda(auto:1)#1}"));
    ck_assert(match_function("std::pair<long, long>::pair()"));
    ck_assert(match_function("x,kind:y"));
}
END_TEST

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
    {"thread:* waiting:condvar", true},
    {"top:pthread_cond_wait thread:^main$", true},
    {"top:pthread_cond_wait thread:^other$", false},
    {"name:io name:1", true},
    {"name:io name:2", false},
    {"thread:operator new(unsigned long) name:io 1 module:app", true},
};

START_TEST(each_type_looks_at_its_own)
{
    whole_thread();
    ck_assert_msg(matches(of_whole_thread[_i].rule) == of_whole_thread[_i].matches, "%s",
                  of_whole_thread[_i].rule);
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
                                 "module:, top: or any:");
    ck_assert(suppressions_load_text(suppressions, "", "nothing", &error));
    ck_assert_uint_eq(suppressions_rule_count(suppressions), 2);
}
END_TEST

START_TEST(a_directory_is_read_by_name)
{
    char directory[] = "/tmp/check_suppressions_d.XXXXXX", name[128];
    static const char *const files[] = {"b.supp", "B.supp", "a.supp", "a.txt", ".x.supp", ".supp"};
    ck_assert_ptr_nonnull(mkdtemp(directory));
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

START_TEST(a_frame_without_a_name_is_told_by_its_place)
{
    whole_thread();
    ck_assert(matches("thread:^libnameless.so+0x10$"));
    ck_assert(matches("thread:libnameless.so+0x"));
    ck_assert(!matches("thread:^libnameless.so+0x1$"));
    ck_assert(!matches("thread:^libnameless.so+0x100$"));
    ck_assert(!matches("module:^libnameless.so+0x10$"));
    ck_assert(!matches("thread:x10"));              /* part of a name, not of a place */
    ck_assert(!matches("thread:^libpool.so.1+*$")); /* what has a name is told by that */
    ck_assert(!matches("thread:^libpool.so.1+0x1234$"));
    ck_assert(matches("start:^libpool.so.1+0x1234$"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ignore");
    tcase_add_checked_fixture(tests, ignore_setup, ignore_teardown);
    tcase_add_test(tests, no_rules_match_nothing);
    tcase_add_test(tests, a_pattern_matches_anywhere);
    tcase_add_test(tests, anchors_tie);
    tcase_add_test(tests, stars_stand_for_any_text);
    tcase_add_test(tests, many_stars_are_no_burden);
    tcase_add_test(tests, blanks_and_line_ends_do_not_matter);
    tcase_add_test(tests, names_may_have_blanks_colons_and_number_signs);
    tcase_add_test(tests, names_may_have_commas_and_colons);
    tcase_add_loop_test(tests, functions_match_without_their_arguments, 0,
                        sizeof(of_functions) / sizeof(*of_functions));
    tcase_add_test(tests, every_type_of_function_matches_without_arguments);
    tcase_add_test(tests, start_is_what_a_runtime_calls);
    tcase_add_loop_test(tests, each_type_looks_at_its_own, 0,
                        sizeof(of_whole_thread) / sizeof(*of_whole_thread));
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
    tcase_add_test(tests, a_frame_without_a_name_is_told_by_its_place);
    return suite_run("ignore", tests);
}
