/* A fork waits for threads in libunwind. */
#include <sched.h>

#include "preload/shim/guard.h"
#include "suite.h"

static unsigned long yields, ends_at;

/* In place of libc's. */
int sched_yield(void)
{
    if (++yields == ends_at)
        guard_unwind_end();
    return 0;
}

static unsigned long yields_of_a_wait(void)
{
    yields = 0;
    guard_unwind_wait();
    return yields;
}

START_TEST(waits_for_a_thread_in_libunwind)
{
    ck_assert_uint_eq(yields_of_a_wait(), 0);
    guard_unwind_begin();
    ends_at = 5;
    ck_assert_uint_eq(yields_of_a_wait(), 5);
}
END_TEST

START_TEST(waits_once_for_a_thread_that_has_left)
{
    guard_unwind_begin();
    unsigned long longest = yields_of_a_wait();
    ck_assert_uint_gt(longest, 1);
    ck_assert_uint_eq(yields_of_a_wait(), 0);
    /* But for another one. */
    guard_unwind_begin();
    ends_at = 7;
    ck_assert_uint_eq(yields_of_a_wait(), 7);
    guard_unwind_end();
    ck_assert_uint_eq(yields_of_a_wait(), 0);
    guard_unwind_begin();
    ck_assert_uint_eq(yields_of_a_wait(), 7);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("guard");
    tcase_add_test(tests, waits_for_a_thread_in_libunwind);
    tcase_add_test(tests, waits_once_for_a_thread_that_has_left);
    return suite_run("guard", tests);
}
