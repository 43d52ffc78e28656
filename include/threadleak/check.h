/*
 * Adapter for Check (libcheck): a test that leaks threads fails, and no other test does.
 *
 *     #include <threadleak/check.h>
 *     …
 *     TCase *tcase = tcase_create("pool");
 *     threadleak_tcase(tcase);                  // first, before other fixtures
 *     tcase_add_checked_fixture(tcase, pool_setup, pool_teardown);
 *     tcase_add_test(tcase, pool_drains);
 *
 * It is a checked fixture.  With CK_FORK=yes, such a fixture runs in the process of the test.
 * An unchecked fixture would run in the parent, which does not have the threads of the test.
 * Check runs setups in the order in which they were added, and teardowns in reverse order.  So
 * the first fixture checks after all others.  With CK_FORK=no, a leak of one test does not count
 * again in the next test.  A test that fails in its own process ends there, and is not checked.
 *
 * The report of a check names the test.  Check makes the name known only then.  So reports on
 * the dump signal do not name it.
 * Without the shim, nothing is checked and all tests pass; threadleak_active() returns 0.
 */
#ifndef THREADLEAK_CHECK_ADAPTER_H
#define THREADLEAK_CHECK_ADAPTER_H

#include <check.h>
#include <unistd.h>

#include "threadleak.h"

struct threadleak_tcase_ {
    threadleak_checkpoint_t before;
    const char *always; /* options of every test; NULL: none */
    const char *once;   /* options of this test alone, in place of those */
    pid_t runner;
};
static struct threadleak_tcase_ threadleak_tcase_state_;

static __inline__ void threadleak_tcase_setup_(void)
{
    threadleak_tcase_state_.once = NULL;
    threadleak_tcase_state_.before = threadleak_checkpoint();
    threadleak_test(NULL);
}

static __inline__ void threadleak_tcase_teardown_(void)
{
    const struct threadleak_tcase_ *state = &threadleak_tcase_state_;
    int leaked;
    threadleak_test(tcase_name());
    leaked = threadleak_check_since(state->before, state->once ? state->once : state->always);
    if (getpid() == state->runner)
        threadleak_test(NULL); /* in a process of its own, no other test follows */
    if (leaked < 0)
        ck_abort_msg("threadleak could not check for leaked threads: see its message on standard error");
    if (leaked > 0)
        ck_abort_msg("leaked threads: %d, see the report on standard error", leaked);
}

/* Checks every test of the tcase. */
static __inline__ void threadleak_tcase(TCase *tcase)
{
    threadleak_tcase_state_.runner = getpid();
    tcase_add_checked_fixture(tcase, threadleak_tcase_setup_, threadleak_tcase_teardown_);
}

/* Options of threadleak_check_since for all tests of this file.  The text must stay valid. */
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
