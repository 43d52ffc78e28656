/* What patterns of rules match. */
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

START_TEST(stars_match_any_text)
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

int main(void)
{
    TCase *tests = tcase_create("ignore");
    tcase_add_checked_fixture(tests, ignore_setup, ignore_teardown);
    tcase_add_test(tests, no_rules_match_nothing);
    tcase_add_test(tests, a_pattern_matches_anywhere);
    tcase_add_test(tests, anchors_tie);
    tcase_add_test(tests, stars_match_any_text);
    tcase_add_test(tests, many_stars_are_no_burden);
    tcase_add_test(tests, blanks_and_line_ends_do_not_matter);
    tcase_add_test(tests, names_may_have_blanks_colons_and_number_signs);
    tcase_add_test(tests, names_may_have_commas_and_colons);
    tcase_add_loop_test(tests, functions_match_without_their_arguments, 0,
                        sizeof(of_functions) / sizeof(*of_functions));
    tcase_add_test(tests, every_type_of_function_matches_without_arguments);
    tcase_add_test(tests, start_is_what_a_runtime_calls);
    return suite_run("suppressions", tests);
}
