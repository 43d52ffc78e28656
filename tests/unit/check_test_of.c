/* The test of a creation stack. Real frameworks are in tests/e2e/blame.py. */
#include <stdlib.h>
#include <string.h>

#include "leak/test_of.h"
#include "suite.h"

#define FRAMES 6

/* Functions leaf first; "module:function" where the module matters, "module:" without a name. */
static const struct {
    const char *stack[FRAMES];
    const char *test;
} cases[] = {
    {{NULL}, NULL},
    {{"leak", "main"}, NULL},
    /* GoogleTest */
    {{"leak()", "Pool_Starts_Test::TestBody()", "testing::Test::Run()", "main"}, "Pool.Starts"},
    {{"Pool_Starts_Test::TestBody()"}, "Pool.Starts"},
    {{"a::b::Pool_Starts_Test::TestBody()"}, "Pool.Starts"},
    {{"a::(anonymous namespace)::Pool_Starts_Test::TestBody()"}, "Pool.Starts"},
    {{"(anonymous namespace)::Pool_Starts_Test::TestBody()"}, "Pool.Starts"},
    {{"a<b::c>::Pool_Starts_Test::TestBody()"}, "Pool.Starts"},
    {{"Pool_Starts_Test<a::b<int> >::TestBody()"}, "Pool.Starts<a::b<int> >"},
    {{"Pool_Starts_Test::TestBody"}, "Pool.Starts"},
    {{"PoolTest_Starts_Test::TestBody()"}, "PoolTest.Starts"},
    {{"Pool_Start_Stop_Test::TestBody()"}, "Pool_Start_Stop"},
    {{"Pool__Test::TestBody()"}, "Pool_"},
    {{"_Starts_Test::TestBody()"}, "_Starts"},
    {{"Pool_Test::TestBody()"}, "Pool"},
    {{"_Test::TestBody()"}, NULL},
    {{"::TestBody()"}, NULL},
    {{"TestBody()"}, NULL},
    {{"Test::TestBody()"}, NULL},
    {{"Pool::TestBody()"}, NULL},
    {{"Pool_Starts_Test::TestBody()::{lambda()#1}::operator()() const"}, NULL},
    {{"Pool_Starts_Test::SetUp()", "testing::Test::Run()"}, NULL},
    {{"Pool_Starts_Test::TestBody() [clone .cold]"}, "Pool.Starts"},
    {{"Inner_One_Test::TestBody()", "testing::Test::Run()", "Outer_One_Test::TestBody()"}, "Outer.One"},
    /* Check */
    {{"leak", "starts_fn", "tcase_run_tfun_fork", "srunner_run_tagged"}, "starts"},
    {{"leak", "starts_fn", "tcase_run_tfun_nofork", "srunner_run_tagged"}, "starts"},
    {{"leak", "starts_fn", "srunner_run_tagged", "main"}, "starts"},
    {{"leak", "starts_fn", "libcheck.so.0:", "libcheck.so.0:srunner_run", "main"}, "starts"},
    {{"leak", "starts_fn", "/usr/lib/libcheck.so.0:srunner_run_tagged", "main"}, "starts"},
    {{"leak", "starts_fn", "threadleak_tcase_run_starts", "tcase_run_tfun_fork"}, "starts"},
    {{"leak", "set_up", "srunner_run_setup", "srunner_run_tagged"}, NULL},
    {{"leak", "set_up_fn", "srunner_run_setup", "srunner_run_tagged"}, NULL},
    {{"leak", "set_up_fn", "libcheck.so.0:srunner_run_setup", "srunner_run_tagged"}, NULL},
    {{"leak", "clean_up_fn", "srunner_run_teardown", "srunner_run_tagged"}, NULL},
    {{"leak", "starts_fn", "run_tests", "main"}, NULL},
    {{"leak", "_fn", "srunner_run_tagged", "main"}, NULL},
    {{"libcheck.so.0:log_fn", "libcheck.so.0:", "main"}, NULL},
    {{"starts_fn", "libchecker.so.0:", "main"}, NULL},
    {{"leak", "starts_fn.cold", "srunner_run_tagged.part.0", "main"}, "starts"},
    {{"leak()", "starts_fn(int)", "srunner_run_tagged", "main"}, "starts"},
    /* cmocka */
    {{"leak()", "test_starts(void**)", "libcmocka.so.0:", "main"}, "test_starts"},
    {{"leak()", "test_starts.cold", "libcmocka.so.0:", "main"}, "test_starts"},
    {{"leak()", "test", "libcmocka.so.0:", "main"}, "test"},
    {{"leak()", "app::{lambda(void**)#1}::operator()(void**) const", "libcmocka.so.0:", "main"}, NULL},
    {{"leak", "test_starts", "libcmocka.so.0:", "libcmocka.so.0:_cmocka_run_group_tests"}, "test_starts"},
    {{"leak", "starts_test", "cmocka_run_one_test_or_fixture", "cmocka_run_one_tests"}, "starts_test"},
    {{"leak", "test_setup", "libcmocka.so.0:", "main"}, NULL},
    {{"leak", "teardown_test", "libcmocka.so.0:", "main"}, NULL},
    {{"leak", "starts", "libcmocka.so.0:", "main"}, NULL},
    {{"leak", "latest", "libcmocka.so.0:", "main"}, NULL},
    {{"leak", "testament", "libcmocka.so.0:", "main"}, NULL},
    {{"leak", "test_starts", "run_tests", "main"}, NULL},
    {{"leak", "test_starts"}, NULL},
    /* GLib */
    {{"leak", "test_starts", "libglib-2.0.so.0:", "libglib-2.0.so.0:g_test_run_suite", "main"},
     "test_starts"},
    {{"leak", "starts", "libglib-2.0.so.0:", "libglib-2.0.so.0:g_test_run_suite", "main"}, NULL},
    {{"leak", "test_starts", "libglib-2.0.so.0:g_main_loop_run", "main"}, NULL},
    /* Unity */
    {{"leak", "starts", "UnityDefaultTestRun", "main"}, "starts"},
    {{"leak", "setUp", "UnityDefaultTestRun", "main"}, NULL},
    {{"leak", "tearDown", "UnityDefaultTestRun", "main"}, NULL},
    {{"leak()", "setUp()", "UnityDefaultTestRun(void (*)(), char const*, int)", "main"}, NULL},
    {{"leak()", "app::starts()", "UnityDefaultTestRun", "main"}, "app::starts"},
    {{"leak()", "main::{lambda()#1}::operator()() const", "UnityDefaultTestRun", "main"}, NULL},
    {{"leak()", "main::{lambda()#1}::_FUN()", "UnityDefaultTestRun", "main"}, NULL},
    {{"leak()", "(anonymous namespace)::starts()", "UnityDefaultTestRun", "main"}, NULL},
    {{"leak()", "app::(anonymous namespace)::starts()", "UnityDefaultTestRun", "main"}, NULL},
    {{"UnityPrint", "UnityConcludeTest", "UnityDefaultTestRun", "main"}, NULL},
    {{"leak", "TEST_Pool_starts_", "UnityTestRunner", "TEST_Pool_starts_run"}, "TEST_Pool_starts_"},
    {{"leak", "TEST_Pool_SETUP", "UnityTestRunner", "TEST_Pool_starts_run"}, NULL},
    {{"leak", "TEST_Pool_TEAR_DOWN", "UnityTestRunner", "TEST_Pool_starts_run"}, NULL},
    /* Boost.Test */
    {{"leak()", "pool::starts::test_method()", "pool::starts_invoker()"}, "pool/starts"},
    {{"leak()", "starts::test_method()", "starts_invoker()"}, "starts"},
    {{"leak()", "starts::test_method()", "other_invoker()"}, NULL},
    {{"leak()", "starts::test_method()"}, NULL},
    /* Rust */
    {{"std::thread::spawn", "app::tests::starts", "app::tests::starts::{{closure}}",
      "core::ops::function::FnOnce::call_once", "test::__rust_begin_short_backtrace"},
     "tests::starts"},
    {{"app::starts::{closure#0}", "<fn() as core::ops::function::FnOnce<()>>::call_once",
      "test::__rust_begin_short_backtrace::<core::result::Result<(), String>, fn()>"},
     "starts"},
    {{"app::tests::helper", "core::ops::function::FnOnce::call_once", "test::__rust_begin_short_backtrace"},
     NULL},
    {{"app::{{closure}}", "core::ops::function::FnOnce::call_once", "test::__rust_begin_short_backtrace"},
     NULL},
    {{"app::tests::starts", "app::main", "std::sys::backtrace::__rust_begin_short_backtrace"}, NULL},
    {{"core::ops::function::FnOnce::call_once", "test::__rust_begin_short_backtrace"}, NULL},
    /* Unknown tests. */
    {{"leak()", "CATCH2_INTERNAL_TEST_0()", "Catch::RunContext::runTest(Catch::TestCase const&)"}, NULL},
    {{"leak()", "DOCTEST_ANON_FUNC_2()", "doctest::Context::run()"}, NULL},
};

static struct frame frame_of(const char *text, char *module, size_t size)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon[1] == ':' || !strstr(text, ".so"))
        return (struct frame){.module = "/home/user/app", .function = text};
    ck_assert_uint_lt((size_t)(colon - text), size);
    memcpy(module, text, (size_t)(colon - text));
    module[colon - text] = 0;
    return (struct frame){.module = module, .function = colon[1] ? colon + 1 : NULL};
}

START_TEST(the_stack_shows_the_test)
{
    struct frame frames[FRAMES];
    char modules[FRAMES][64];
    size_t count = 0;
    for (; count < FRAMES && cases[_i].stack[count]; count++)
        frames[count] = frame_of(cases[_i].stack[count], modules[count], sizeof(modules[count]));
    char *test = test_of_stack(frames, count);
    ck_assert_pstr_eq(test, cases[_i].test);
    free(test);
}
END_TEST

START_TEST(nothing_is_known)
{
    struct frame frames[3] = {
        {.pc = 1}, {.pc = 2, .module = "libcheck.so"}, {.pc = 3, .module = "libcmocka.so"}};
    ck_assert_ptr_null(test_of_stack(frames, 3));
    ck_assert_ptr_null(test_of_stack(NULL, 0));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("test_of");
    tcase_add_loop_test(tests, the_stack_shows_the_test, 0, sizeof(cases) / sizeof(*cases));
    tcase_add_test(tests, nothing_is_known);
    return suite_run("test_of", tests);
}
