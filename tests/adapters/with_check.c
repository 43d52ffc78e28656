/* A suite with one test that leaks, one that cleans up in its fixture, and one that is to
 * ignore what it leaves: which fail?  CK_FORK=yes and no. */
#include <stdlib.h>
#include <threadleak/check.h>
#include <unistd.h>

static pthread_t fixture_thread;
static int gate[2];

static void *wait_for_gate(void *arg)
{
    char byte;
    (void)!read(gate[0], &byte, 1);
    return arg;
}

static void *pause_forever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void fixture_setup(void)
{
    ck_assert_int_eq(pipe(gate), 0);
    ck_assert_int_eq(pthread_create(&fixture_thread, NULL, wait_for_gate, NULL), 0);
}

static void fixture_teardown(void)
{
    close(gate[1]);
    pthread_join(fixture_thread, NULL);
}

static void leave_one(void)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, pause_forever, NULL), 0);
}

START_TEST(clean_before)
{
    ck_assert_int_eq(threadleak_active() || !getenv("LD_PRELOAD"), 1);
}
END_TEST

START_TEST(leaks)
{
    leave_one();
}
END_TEST

START_TEST(ignores)
{
    threadleak_test_options("ignore_creator=leave_one");
    leave_one();
}
END_TEST

START_TEST(clean_after)
{
    ck_assert_int_eq(1, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("adapter");
    TCase *tcase = tcase_create("threads");
    threadleak_tcase_options("grace_ms=50");
    THREADLEAK_TCASE(tcase);
    tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
    tcase_add_test(tcase, clean_before);
    tcase_add_test(tcase, leaks);
    tcase_add_test(tcase, ignores);
    tcase_add_test(tcase, clean_after);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_VERBOSE);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
