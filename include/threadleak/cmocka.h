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
 * The message has the line of the test function, if there is debug information, and a line for each
 * creation site.  The report at the end of the process has the stacks, and names the test.
 *
 * Without libthreadleak.so nothing is checked, and one line on standard error says so.  Another
 * line does so if the program includes this header and never uses threadleak_run_group_tests.
 */
#ifndef THREADLEAK_CMOCKA_ADAPTER_H
#define THREADLEAK_CMOCKA_ADAPTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "adapter.h"

/* All files of the program share it. */
struct threadleak_cmocka_ {
    struct threadleak_adapter_ adapter;
    const struct CMUnitTest *test; /* the running test, as the program defined it */
    threadleak_checkpoint_t before;
    const char *always; /* options of every test; NULL: none */
    const char *once;   /* options of this test alone, in place of those */
};
extern struct threadleak_cmocka_ threadleak_cmocka_state_ __attribute__((weak));
struct threadleak_cmocka_ threadleak_cmocka_state_ __attribute__((weak));

__attribute__((constructor)) static void threadleak_cmocka_begin_(void)
{
    threadleak_adapter_begin_(&threadleak_cmocka_state_.adapter);
}

__attribute__((destructor)) static void threadleak_cmocka_end_(void)
{
    threadleak_adapter_end_(&threadleak_cmocka_state_.adapter, "cmocka.h",
                            "use threadleak_run_group_tests in place of cmocka_run_group_tests");
}

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
    struct threadleak_message_ message;
    int leaked = threadleak_adapter_check_(&message, own->before, own->once ? own->once : own->always,
                                           (const void *)(uintptr_t)own->test->test_func);
    threadleak_test(NULL);
    if (leaked != 0)
        print_error("%s%s%s\n", message.place, *message.place ? ": error: " : "", message.text);
    return leaked != 0 ? -1 : failed;
}

static __inline__ int threadleak_cmocka_run_(const char *name, const struct CMUnitTest *tests, size_t count,
                                             CMFixtureFunction setup, CMFixtureFunction teardown)
{
    struct CMUnitTest *checked = (struct CMUnitTest *)calloc(count + 1, sizeof(*checked));
    int failed;
    size_t i;
    threadleak_cmocka_state_.adapter.installed = 1;
    threadleak_adapter_note_(&threadleak_cmocka_state_.adapter);
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

/* Options of threadleak_check_since for all tests of the program.  The text must stay valid. */
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
