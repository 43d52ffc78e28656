/*
 * Adapter for cmocka: a test that leaks threads fails, and no other test does.
 *
 *     #include <threadleak/cmocka.h>
 *     …
 *     const struct CMUnitTest tests[] = {
 *         cmocka_unit_test(queue_drains),
 *         cmocka_unit_test_setup_teardown(pool_stops, pool_setup, pool_teardown),
 *     };
 *     return threadleak_run_group_tests(tests, NULL, NULL);   // in place of cmocka_run_group_tests
 *
 * Each test gets a setup that takes a checkpoint, and a teardown that runs after the test's own.
 * The teardown fails if threads leaked, and cmocka reports that as an error of the test.  A test
 * whose own setup fails has no teardown, and is not checked.
 *
 * Reports name the test.  Without the shim, nothing is checked and all tests pass;
 * threadleak_active() returns 0.
 */
#ifndef THREADLEAK_CMOCKA_ADAPTER_H
#define THREADLEAK_CMOCKA_ADAPTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "threadleak.h"

struct threadleak_cmocka_ {
    const struct CMUnitTest *test; /* the running test, as the program defined it */
    threadleak_checkpoint_t before;
    const char *always; /* options of every test; NULL: none */
    const char *once;   /* options of this test alone, in place of those */
};
static struct threadleak_cmocka_ threadleak_cmocka_state_;

static __inline__ int threadleak_cmocka_setup_(void **state)
{
    const struct CMUnitTest *test = (const struct CMUnitTest *)*state;
    threadleak_cmocka_state_.test = test;
    threadleak_cmocka_state_.once = NULL;
    threadleak_cmocka_state_.before = threadleak_checkpoint();
    threadleak_test(test->name);
    *state = test->initial_state;
    return test->setup_func ? test->setup_func(state) : 0;
}

static __inline__ int threadleak_cmocka_teardown_(void **state)
{
    const struct threadleak_cmocka_ *own = &threadleak_cmocka_state_;
    int failed = own->test->teardown_func ? own->test->teardown_func(state) : 0;
    int leaked = threadleak_check_since(own->before, own->once ? own->once : own->always);
    threadleak_test(NULL);
    if (leaked < 0)
        print_error("threadleak could not check for leaked threads: see its message on standard error\n");
    if (leaked > 0)
        print_error("leaked threads: %d, see the report on standard error\n", leaked);
    return leaked != 0 ? -1 : failed;
}

static __inline__ int threadleak_cmocka_run_(const char *name, const struct CMUnitTest *tests, size_t count,
                                             CMFixtureFunction setup, CMFixtureFunction teardown)
{
    struct CMUnitTest *checked = (struct CMUnitTest *)calloc(count + 1, sizeof(*checked));
    int failed;
    size_t i;
    if (!checked)
        return -1;
    for (i = 0; i < count; i++) {
        checked[i].name = tests[i].name;
        checked[i].test_func = tests[i].test_func;
        checked[i].setup_func = threadleak_cmocka_setup_;
        checked[i].teardown_func = threadleak_cmocka_teardown_;
        checked[i].initial_state = (void *)(uintptr_t)&tests[i];
    }
    failed = _cmocka_run_group_tests(name, checked, count, setup, teardown);
    free(checked);
    return failed;
}

/* In place of cmocka_run_group_tests and cmocka_run_group_tests_name. */
#define threadleak_run_group_tests_name(name, tests, setup, teardown) \
    threadleak_cmocka_run_(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define threadleak_run_group_tests(tests, setup, teardown) \
    threadleak_run_group_tests_name(#tests, tests, setup, teardown)

/* Options of threadleak_check_since for all tests of this file.  The text must stay valid. */
static __inline__ void threadleak_group_options(const char *options)
{
    threadleak_cmocka_state_.always = options;
}

/* Within a test: options for its check alone, in place of those. */
static __inline__ void threadleak_test_options(const char *options)
{
    threadleak_cmocka_state_.once = options;
}

#endif
