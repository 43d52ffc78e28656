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
 * has the stacks, and names the test, with its number in a loop test: "pool_drains:2".  Tests in
 * files without this header are named by their stacks, without that number.
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
    unsigned char loops[THREADLEAK_TESTS_];
#endif
    unsigned test_count;
    int began, named; /* the setup has run, and the name of this test is known */
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

/* ---- the line and the name of a test ---- */

#if THREADLEAK_CHECK_LINES_
/* All macros that add a test call this function. */
static __inline__ void threadleak_add_test_(TCase *tcase, const TTest *test, int signal, int status,
                                            int start, int end)
{
    struct threadleak_tcase_ *state = &threadleak_tcase_state_;
    if (state->test_count < THREADLEAK_TESTS_) {
        state->loops[state->test_count] = start != 0 || end != 1;
        state->tests[state->test_count++] = test;
    }
    _tcase_add_test(tcase, test, signal, status, start, end);
}
#define _tcase_add_test threadleak_add_test_

/* "pool_drains", or "pool_drains:2" in a loop. */
static __inline__ void threadleak_begin_test_(const TTest *test, int number)
{
    struct threadleak_tcase_ *state = &threadleak_tcase_state_;
    char name[256];
    unsigned i;
    if (!state->began)
        return;
    for (i = 0; i < state->test_count && state->tests[i] != test; i++)
        ;
    if (i < state->test_count ? state->loops[i] : number != 0)
        snprintf(name, sizeof(name), "%s:%d", test->name, number);
    else
        snprintf(name, sizeof(name), "%s", test->name);
    threadleak_test(name);
    state->named = 1;
}

/* As in <check.h>, with a function before the test that says which one begins.  Optimised, it jumps to the
 * test, and is in no stack. */
#undef START_TEST
#define START_TEST(name)                                                                           \
    static void __attribute__((noinline)) name##_fn(int _i);                                       \
    static void threadleak_tcase_run_##name(int _i);                                               \
    static const TTest name##_ttest = {"" #name, threadleak_tcase_run_##name, __FILE__, __LINE__}; \
    static const TTest *name = &name##_ttest;                                                      \
    static void threadleak_tcase_run_##name(int _i)                                                \
    {                                                                                              \
        threadleak_begin_test_(&name##_ttest, _i);                                                 \
        name##_fn(_i);                                                                             \
    }                                                                                              \
    static void name##_fn(int _i __attribute__((unused)))

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
    threadleak_tcase_state_.began = 1;
    threadleak_tcase_state_.named = 0;
    threadleak_test(NULL);
}

static __inline__ void threadleak_tcase_teardown_(void)
{
    struct threadleak_tcase_ *state = &threadleak_tcase_state_;
    struct threadleak_message_ message;
    const char *file;
    int leaked, line;
    if (!state->named)
        threadleak_test(tcase_name());
    state->began = 0;
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
