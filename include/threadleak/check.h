/*
 * Adapter for Check (libcheck): a test that leaks threads fails, and no other test does.
 *
 *     #include <threadleak/check.h>              // in each file with tests, after or in place of <check.h>
 *     …
 *     TCase *tcase = tcase_create("pool");
 *     THREADLEAK_TCASE(tcase);                  // first, before other fixtures
 *     tcase_add_checked_fixture(tcase, pool_setup, pool_teardown);
 *     tcase_add_test(tcase, pool_drains);
 *
 * It is a checked fixture.  With CK_FORK=yes, such a fixture runs in the process of the test.
 * An unchecked fixture would run in the parent, which does not have the threads of the test.
 * Check runs setups in the order in which they were added, and teardowns in reverse order.  So
 * the first fixture checks after all others.  With CK_FORK=no, a leak of one test does not count
 * again in the next test.  A test that fails in its own process ends there, and is not checked.
 *
 * The message of the test has a line for each creation site.  Its place is the line of START_TEST,
 * if the file that adds the test includes this header.  The report at the end of the process
 * has the stacks, and names the test.  Check makes the name known only after the test.  So reports
 * on the dump signal do not name it.
 *
 * Without libthreadleak.so nothing is checked, and one line on standard error says so.  Another
 * line does so if the program includes this header and never uses THREADLEAK_TCASE.
 */
#ifndef THREADLEAK_CHECK_ADAPTER_H
#define THREADLEAK_CHECK_ADAPTER_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"

/* Before 0.13, Check has no struct for a test. */
#define THREADLEAK_CHECK_LINES_ (CHECK_MAJOR_VERSION > 0 || CHECK_MINOR_VERSION >= 13)
#define THREADLEAK_TESTS_ 1024 /* with a known line */

/* All files of the program share it. */
struct threadleak_tcase_ {
    struct threadleak_adapter_ adapter;
    threadleak_checkpoint_t before;
    const char *always; /* options of every test; NULL: none */
    const char *once;   /* options of this test alone, in place of those */
#if THREADLEAK_CHECK_LINES_
    const TTest *tests[THREADLEAK_TESTS_];
#endif
    unsigned test_count;
};
extern struct threadleak_tcase_ threadleak_tcase_state_ __attribute__((weak));
struct threadleak_tcase_ threadleak_tcase_state_ __attribute__((weak));

__attribute__((constructor)) static void threadleak_tcase_begin_(void)
{
    threadleak_adapter_begin_(&threadleak_tcase_state_.adapter);
}

__attribute__((destructor)) static void threadleak_tcase_end_(void)
{
    threadleak_adapter_end_(&threadleak_tcase_state_.adapter, "check.h", "call THREADLEAK_TCASE(tcase)");
}

/* ---- the line of a test ---- */

#if THREADLEAK_CHECK_LINES_
static __inline__ const TTest *threadleak_seen_(const TTest *test)
{
    struct threadleak_tcase_ *state = &threadleak_tcase_state_;
    if (state->test_count < THREADLEAK_TESTS_)
        state->tests[state->test_count++] = test;
    return test;
}
/* All macros that add a test use this function. */
#define _tcase_add_test(tcase, test, signal, exit, start, end) \
    _tcase_add_test(tcase, threadleak_seen_(test), signal, exit, start, end)

static __inline__ const char *threadleak_place_of_(const char *name, int *line)
{
    const struct threadleak_tcase_ *state = &threadleak_tcase_state_;
    unsigned i;
    for (i = 0; i < state->test_count && strcmp(state->tests[i]->name, name) != 0; i++)
        ;
    *line = i < state->test_count ? state->tests[i]->line : 0;
    return i < state->test_count ? state->tests[i]->file : name;
}
#else
static __inline__ const char *threadleak_place_of_(const char *name, int *line)
{
    *line = 0;
    return name;
}
#endif

/* ---- the fixture ---- */

static __inline__ void threadleak_tcase_setup_(void)
{
    threadleak_tcase_state_.once = NULL;
    threadleak_tcase_state_.before = threadleak_checkpoint();
    threadleak_test(NULL);
}

static __inline__ void threadleak_tcase_teardown_(void)
{
    const struct threadleak_tcase_ *state = &threadleak_tcase_state_;
    struct threadleak_message_ message;
    const char *file;
    int leaked, line;
    threadleak_test(tcase_name());
    leaked =
        threadleak_adapter_check_(&message, state->before, state->once ? state->once : state->always, NULL);
    if (getpid() == state->adapter.starter)
        threadleak_test(NULL); /* in a process of its own, no other test follows */
    if (leaked == 0)
        return;
    file = threadleak_place_of_(tcase_name(), &line);
    _ck_assert_failed(file, line, "Failed", "%s", message.text);
}

/* Checks every test of the tcase. */
static __inline__ void threadleak_tcase(TCase *tcase)
{
    threadleak_tcase_state_.adapter.installed = 1;
    threadleak_adapter_note_(&threadleak_tcase_state_.adapter);
    tcase_add_checked_fixture(tcase, threadleak_tcase_setup_, threadleak_tcase_teardown_);
}
#define THREADLEAK_TCASE(tcase) threadleak_tcase(tcase)

/* Options of threadleak_check_since for all tests of the program.  The text must stay valid. */
static __inline__ void threadleak_tcase_options(const char *options)
{
    threadleak_tcase_state_.always = options;
}

/* Within a test: options for its check alone, in place of those.  At the end of the program,
 * threadleak run still counts the threads that they ignore.  threadleak_ignore_thread() and
 * threadleak_add_suppressions() apply there, too. */
static __inline__ void threadleak_test_options(const char *options)
{
    threadleak_tcase_state_.once = options;
}

#endif
