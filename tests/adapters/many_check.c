/* Loop tests, a test that fails before its teardown, and a tcase without the adapter. */
#include <stdlib.h>
#include <threadleak/check.h>
#include <unistd.h>

static void *wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void leak(void)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
}

START_TEST(loop_leaks)
{
    if (_i != 1)
        leak();
}
END_TEST

START_TEST(leaks)
{
    leak();
}
END_TEST

START_TEST(leaks_and_fails)
{
    leak();
    ck_abort_msg("as it must");
}
END_TEST

START_TEST(cleans)
{
    ck_assert_int_eq(1, 1);
}
END_TEST

START_TEST(leaks_unchecked)
{
    leak();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("many");
    TCase *checked = tcase_create("checked"), *unchecked = tcase_create("unchecked");
    threadleak_tcase_options("grace_ms=50");
    THREADLEAK_TCASE(checked);
    tcase_add_loop_test(checked, loop_leaks, 0, 3);
    tcase_add_test(checked, leaks);
    tcase_add_test(checked, leaks_and_fails);
    tcase_add_test(checked, cleans);
    tcase_add_test(unchecked, leaks_unchecked);
    suite_add_tcase(suite, checked);
    suite_add_tcase(suite, unchecked);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_VERBOSE);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
