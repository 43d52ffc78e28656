/* Names of functions made shorter, so that the function's own name stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "symbolize/symbolize.h"
#include "report/common/phrases.h"
#include "suite.h"

#define ASYNC                                                                                         \
    "std::future<std::__invoke_result<std::decay<int (&)(int)>::type, std::decay<int>::type>::type> " \
    "std::async<int (&)(int), int>(std::launch, int (&)(int), int&&)"
#define EMPLACE                                                                                           \
    "std::thread& std::vector<std::thread, std::allocator<std::thread> >::emplace_back<void (&)()>(void " \
    "(&)())"

static const struct {
    const char *name;
    size_t width;
    const char *shorter;
} cases[] = {
    /* What fits is left alone, each step is taken only when the one before was not enough. */
    {"void run<int>(int)", 18, "void run<int>(int)"},
    {"void run<int>(int)", 17, "run<int>(int)"},
    {ASYNC, 64, "std::async<int (&)(int), int>(std::launch, int (&)(int), int&&)"},
    {ASYNC, 60, "std::async<int (&)(int), int>(...)"},
    {ASYNC, 30, "std::async<...>(...)"},
    {EMPLACE, 64, "std::vector<...>::emplace_back<...>(...)"},
    {"ns::Pool::start(std::vector<int>&, bool) const", 30, "ns::Pool::start(...) const"},
    {"work(std::string) [clone .cold]", 10, "work(...) [clone .cold]"},
    {"work()", 1, "work()"},
    {"work(int)", 1, "work(int)"}, /* dots are no shorter */
    {"work_for_ever", 5, "work_for_ever"},
    /* Functions within others. */
    {"main(int, char**)::{lambda(std::string)#1}::operator()(std::string) const", 40,
     "main(...)::{lambda(...)#1}::operator()(...) const"},
    {"void Pool::operator()<std::string>(std::string)", 40, "Pool::operator()<std::string>(...)"},
    {"(anonymous namespace)::Pool<std::string>::run(std::string)", 30,
     "(anonymous namespace)::Pool<...>::run(...)"},
    /* Signs that are no brackets. */
    {"bool ns::operator< <std::string>(std::string, std::string)", 20, "ns::operator< <std::string>(...)"},
    {"std::ostream& ns::operator<<(std::ostream&, ns::Map<int, int>)", 20, "ns::operator<<(...)"},
    {"ns::Ptr<ns::Thing>::operator->() const", 10, "ns::Ptr<...>::operator->() const"},
    {"ns::Of<((1)<(2)), true>::work(int)", 10, "ns::Of<...>::work(int)"},
    {"void (*choose<std::string>(int))(char)", 10, "void (*choose<...>(int))(char)"},
    {"open<std::string::and(no end", 10, "open<std::string::and(no end"},
    /* Rust: no arguments, and a trait's name is the beginning. */
    {"<alloc::boxed::Box<F,A> as core::ops::FnOnce<Args>>::call_once", 50,
     "<alloc::boxed::Box<F,A> as core::ops::FnOnce<...>>::call_once"},
    {"std::thread::Builder::spawn_unchecked_::<app::main::{{closure}}, ()>", 50,
     "std::thread::Builder::spawn_unchecked_::<...>"},
};

START_TEST(what_says_least_goes_first)
{
    char *shorter = function_shorten(cases[_i].name, cases[_i].width);
    ck_assert_str_eq(shorter, cases[_i].shorter);
    free(shorter);
}
END_TEST

START_TEST(only_then_the_middle_is_cut)
{
    char name[256];
    format_function(name, sizeof(name), &(struct frame){.function = ASYNC}, 64);
    ck_assert_str_eq(name, "std::async<int (&)(int), int>(std::launch, int (&)(int), int&&)");
    format_function(name, sizeof(name), &(struct frame){.function = "a_function_of_a_long_name(std::string)"},
                    15);
    ck_assert_str_eq(name, "a_fun...me(...)");
    format_function(name, sizeof(name), &(struct frame){.function = ASYNC}, sizeof(name) - 1);
    ck_assert_str_eq(name, ASYNC);
}
END_TEST

/* Names are the watched program's own: neither their length nor brackets without an end may hold us up. */
START_TEST(huge_names_are_no_burden)
{
    static const char *const pieces[] = {"a<", "a(", "a<bcdefg>", "a>", "a<(", "operator<", ")", "a (bcdef)"};
    enum { SIZE = 1 << 21 };
    char *name = malloc(SIZE + 16);
    clock_t began = clock();
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        size_t length = 0;
        while (length < SIZE)
            length += (size_t)sprintf(name + length, "%s", pieces[i]);
        for (int closed = 0; closed < 2; closed++) {
            name[length - 1] = closed ? ')' : name[length - 1];
            char *shorter = function_shorten(name, 64);
            ck_assert_uint_le(strlen(shorter), length);
            free(shorter);
        }
    }
    ck_assert_int_lt(clock() - began, 10 * CLOCKS_PER_SEC);
    free(name);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("function_name");
    tcase_add_loop_test(tests, what_says_least_goes_first, 0, sizeof(cases) / sizeof(*cases));
    tcase_add_test(tests, only_then_the_middle_is_cut);
    tcase_add_test(tests, huge_names_are_no_burden);
    return suite_run("function_name", tests);
}
