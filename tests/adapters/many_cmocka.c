/* Two groups of tests that share a function, and a group that starts a thread for all of its tests. */
#include <pthread.h>
#include <threadleak/cmocka.h>
#include <unistd.h>

static void *wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void leak(void **state)
{
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
}

static void leak_nothing(void **state)
{
    (void)state;
}

static int group_setup(void **state)
{
    leak(state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest first[] = {{"small pool", leak, NULL, NULL, NULL},
                                       {"clean pool", leak_nothing, NULL, NULL, NULL},
                                       {"large pool", leak, NULL, NULL, NULL}};
    const struct CMUnitTest second[] = {{"other pool", leak, NULL, NULL, NULL},
                                        {"last pool", leak_nothing, NULL, NULL, NULL}};
    threadleak_group_options("grace_ms=50");
    int failed = threadleak_run_group_tests(first, group_setup, NULL);
    return failed + threadleak_run_group_tests(second, NULL, NULL);
}
