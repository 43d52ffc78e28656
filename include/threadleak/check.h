/*
 * Check (libcheck): a test that leaves threads behind fails, that test and no other.
 *
 *     #include <threadleak/check.h>
 *     …
 *     TCase *tcase = tcase_create("pool");
 *     threadleak_tcase(tcase);                  // first, before other fixtures
 *     tcase_add_checked_fixture(tcase, pool_setup, pool_teardown);
 *     tcase_add_test(tcase, pool_drains);
 *
 * It is a checked fixture, which runs around each test and, with CK_FORK=yes, in the
 * process of the test: an unchecked one would run in the parent, where the test's threads
 * never were.  Check runs setups in the order they were added and teardowns in the
 * reverse one; added first, this one sees what all others leave.  Works the same with
 * CK_FORK=no, where a leak of one test is not counted again for the next.  A test that
 * fails by itself in a process of its own ends there; its threads are not looked at.
 *
 * Reports of checks name the test.  Check says which it is no earlier than that, so those
 * that the dump signal asks for while it runs do not.
 * Without the shim nothing is checked and all passes: threadleak_active() says so.
 */
#ifndef THREADLEAK_CHECK_ADAPTER_H
#define THREADLEAK_CHECK_ADAPTER_H

#include <check.h>
#include <unistd.h>

#include "threadleak.h"

struct threadleak_tcase_ {
    threadleak_checkpoint_t before;
    const char *always; /* options of every test; NULL: none */
    const char *once;   /* over them, of this test */
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
        threadleak_test(NULL); /* else this process has run no other */
    if (leaked < 0)
        ck_abort_msg("threadleak could not check for leaked threads; standard error says why");
    if (leaked > 0)
        ck_abort_msg("leaked threads: %d; standard error says which", leaked);
}

/* Every test of the tcase is checked. */
static __inline__ void threadleak_tcase(TCase *tcase)
{
    threadleak_tcase_state_.runner = getpid();
    tcase_add_checked_fixture(tcase, threadleak_tcase_setup_, threadleak_tcase_teardown_);
}

/* Options of threadleak_check_since for all tests of this file; the text must stay. */
static __inline__ void threadleak_tcase_options(const char *options)
{
    threadleak_tcase_state_.always = options;
}

/* Within a test: options for its check alone, in place of those.  What they ignore is still there
 * when the program ends, for threadleak run: threadleak_ignore_thread() and
 * threadleak_add_suppressions() hold there, too. */
static __inline__ void threadleak_test_options(const char *options)
{
    threadleak_tcase_state_.once = options;
}

#endif
