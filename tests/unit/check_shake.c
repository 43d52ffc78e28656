/* Where --shake pauses, and where not. */
#include <sys/resource.h>

#include "preload/shim/guard.h"
#include "preload/shim/shake.h"
#include "preload/shim/state.h"
#include "suite.h"

#define EVENTS 100

static struct shim_state state;

/* A pause is one voluntary switch to another task. */
static long switches(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
}

static long pauses(void)
{
    long before = switches();
    for (int i = 0; i < EVENTS; i++)
        shake_now();
    return switches() - before;
}

static void set_up(void)
{
    shim_config.options.shake = 1;
    shim_state = &state;
    atomic_store(&state.ready, SHIM_READY);
}

START_TEST(some_events)
{
    long count = pauses();
    ck_assert_int_gt(count, EVENTS / 8);
    ck_assert_int_lt(count, EVENTS / 2);
}
END_TEST

START_TEST(few_in_a_long_run)
{
    shim_tls.shake.events = 1000000;
    ck_assert_int_lt(pauses(), EVENTS / 8);
}
END_TEST

/* The switches of a page fault or of a slow machine are few. */
START_TEST(none_in_a_sandbox)
{
    shim_config.sandboxed = SANDBOX_MAYBE;
    ck_assert_int_lt(pauses(), EVENTS / 8);
}
END_TEST

START_TEST(none_from_the_end_on)
{
    atomic_store(&state.ending, 1);
    ck_assert_int_lt(pauses(), EVENTS / 8);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("shake");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, some_events);
    tcase_add_test(tests, few_in_a_long_run);
    tcase_add_test(tests, none_in_a_sandbox);
    tcase_add_test(tests, none_from_the_end_on);
    return suite_run("shake", tests);
}
