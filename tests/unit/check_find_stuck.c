/* Which threads can never go on: `stuck` and `all-asleep`, over made-up threads. */
#include "find_made.h"

#include <string.h>

#include "suite.h"

START_TEST(all_threads_wait_for_each_other)
{
    find_add(WAIT_CONDVAR, "condvar wait on a");
    find_add_join(101);
    ck_assert_int_eq(find_all(1)->code, FINDING_ALL_ASLEEP);
    ck_assert_int_eq(found.items[0].level, FINDING_LIKELY);
    ck_assert_uint_eq(found.items[0].thread_count, 2);
}
END_TEST

START_TEST(a_signal_handler_may_wake_one)
{
    find_add(WAIT_CONDVAR, "condvar wait on a");
    find_add_join(101);
    find_stacks.handles_signals = true;
    ck_assert_int_eq(find_all(1)->code, FINDING_ALL_ASLEEP);
    ck_assert_int_eq(found.items[0].level, FINDING_NOTE);
}
END_TEST

START_TEST(not_asleep_with_a_timeout)
{
    find_add(WAIT_CONDVAR, "condvar wait on a")->timeout = WAIT_TIMEOUT_YES;
    find_add_join(101);
    find_all(0);
}
END_TEST

START_TEST(not_asleep_with_something_outside)
{
    find_add(WAIT_CONDVAR, "condvar wait on a");
    find_add(WAIT_PIPE, "read of pipe 0")->fd = 0;
    find_all(0);
}
END_TEST

START_TEST(not_asleep_with_a_shared_object)
{
    find_add(WAIT_SEMAPHORE, "semaphore a")->shared = true;
    find_all(0);
}
END_TEST

START_TEST(not_asleep_while_one_runs)
{
    find_add(WAIT_CONDVAR, "condvar wait on a");
    find_add(WAIT_CONDVAR, "condvar wait on b")->running = true;
    find_all(0);
}
END_TEST

START_TEST(not_asleep_when_one_was_read_later)
{
    find_add(WAIT_CONDVAR, "condvar wait on a");
    find_add(WAIT_CONDVAR, "condvar wait on b");
    find_threads[1].later = true;
    find_all(0);
}
END_TEST

START_TEST(a_deadlock_of_all_is_enough)
{
    find_add_lock(102);
    find_add_lock(101);
    ck_assert_int_eq(find_all(1)->code, FINDING_DEADLOCK);
}
END_TEST

START_TEST(all_threads_are_facts_and_four_are_shown)
{
    for (size_t i = 0; i < 6; i++)
        find_add(WAIT_CONDVAR, "condvar wait on a");
    const struct finding *finding = find_all(1);
    ck_assert_uint_eq(finding->fact_count, 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(finding->facts[i].more, i >= 4);
}
END_TEST

#define CONDVAR "condvar wait on 0x10 on the heap, no timeout"

START_TEST(stuck_threads_and_who_joins_them)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    find_add_stuck(0x10, CONDVAR);
    find_add_join(102);
    find_threads[2].reach.state = REACH_STUCK;
    const struct finding *finding = find_all(1);
    ck_assert_int_eq(finding->code, FINDING_STUCK);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_uint_eq(finding->thread_count, 2);
    ck_assert_int_eq(finding->threads[0].tid, 102);
    ck_assert_ptr_nonnull(strstr(finding->text, "waits for condvar 0x10 on the heap, and nothing"));
}
END_TEST

START_TEST(stuck_with_a_caveat_is_likely)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    find_add_stuck(0x10, CONDVAR)->reach.caveats = 1u << REACH_CAVEAT_DEBUGGER;
    ck_assert_int_eq(find_all(1)->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(found.items[0].assumed, "; only likely: a debugger is attached"));
}
END_TEST

START_TEST(a_caveat_of_one_is_none_of_another)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    find_add_stuck(0x10, CONDVAR);
    find_add_stuck(0x20, CONDVAR)->reach.caveats = 1u << REACH_CAVEAT_DEBUGGER;
    find_all(2);
    ck_assert_int_eq(found.items[0].level, FINDING_PROVED);
    ck_assert_int_eq(found.items[1].level, FINDING_LIKELY);
}
END_TEST

START_TEST(stuck_with_something_unseen_is_a_note)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    find_add_stuck(0x10, CONDVAR)->reach.caveats = 1u << REACH_CAVEAT_CORE | 1u << REACH_CAVEAT_UNSEEN_EPOLL;
    const struct finding *finding = find_all(1);
    ck_assert_int_eq(finding->level, FINDING_NOTE);
    ck_assert_ptr_nonnull(strstr(finding->text, "0x10 on the heap, and no reference to it was found"));
    ck_assert_ptr_nonnull(strstr(finding->assumed, "; only likely: a core file"));
    ck_assert_ptr_nonnull(strstr(finding->assumed, "; only a note: epoll is used"));
    ck_assert_ptr_null(found.verdict);
}
END_TEST

/* A wait for a lock whose owner has ended is `dead-owner`. It is no cause of its own. */
START_TEST(a_lock_whose_owner_has_ended_is_no_cause)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    find_add_lock(4242)->owner_ended = true;
    find_threads[1].reach.state = REACH_STUCK;
    ck_assert_int_eq(find_all(1)->code, FINDING_DEAD_OWNER);
}
END_TEST

START_TEST(four_that_wait_for_one_object)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    for (size_t i = 0; i < 4; i++)
        find_add_stuck(0x10, CONDVAR);
    const struct finding *finding = find_all(1);
    ck_assert_str_eq(finding->text,
                     "tid 102, tid 103, tid 104 and tid 105 wait for condvar 0x10 on the heap, "
                     "and nothing that can still run refers to it");
    ck_assert_uint_eq(finding->fact_count, 2);
    ck_assert_str_eq(finding->facts[0].text,
                     "tid 102, tid 103, tid 104 and tid 105 wait for condvar 0x10 on the heap");
}
END_TEST

START_TEST(many_that_wait_for_one_object)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    for (size_t i = 0; i < 5; i++)
        find_add_stuck(0x10, CONDVAR);
    ck_assert_str_eq(find_all(1)->facts[0].text,
                     "tid 102, tid 103, tid 104 and 2 others wait for condvar 0x10 on the heap");
    ck_assert_uint_eq(found.items[0].thread_count, 5);
}
END_TEST

START_TEST(an_object_each)
{
    find_add(WAIT_PIPE, "read of pipe 0");
    for (uint64_t i = 0; i < 5; i++)
        find_add_stuck(0x10 + i, CONDVAR);
    find_add_stuck(0x10, CONDVAR);
    const struct finding *finding = find_all(1);
    ck_assert_ptr_nonnull(strstr(finding->text, " and 3 others wait for a condvar each, and nothing"));
    ck_assert_uint_eq(finding->fact_count, 6);
    ck_assert_str_eq(finding->facts[0].text, "tid 102 and tid 107 wait for condvar 0x10 on the heap");
    ck_assert(!finding->facts[2].more && finding->facts[3].more && finding->facts[4].more);
    ck_assert(!finding->facts[5].more);
}
END_TEST

/* At two places in the code. The third thread is at the place of the first one, but waits for another object.
 */
START_TEST(one_object_at_two_places)
{
    static struct shared_stack other;
    find_add(WAIT_PIPE, "read of pipe 0");
    find_add_stuck(0x10, CONDVAR);
    find_add_stuck(0x10, CONDVAR)->stack = &other;
    find_add_stuck(0x20, "condvar wait on 0x20 on the heap, no timeout");
    const struct finding *finding = find_all(1);
    ck_assert_uint_eq(finding->thread_count, 3);
    ck_assert_uint_eq(finding->fact_count, 4);
    ck_assert_str_eq(finding->facts[0].text, "tid 102 waits for condvar 0x10 on the heap");
    ck_assert_str_eq(finding->facts[1].text, "tid 103 waits for condvar 0x10 on the heap");
    ck_assert_str_eq(finding->facts[2].text, "tid 104 waits for condvar 0x20 on the heap");
}
END_TEST

START_TEST(sections_of_a_hang)
{
    static const struct {
        enum wait_on on;
        size_t threads;
        const char *section;
    } cases[] = {{WAIT_CONDVAR, 1, "FLAG SET WITHOUT WAKING"},
                 {WAIT_CONDVAR, 2, "WORKERS WITH NO BROADCAST"},
                 {WAIT_BARRIER, 2, "BARRIER WITH A WRONG COUNT"},
                 {WAIT_SEMAPHORE, 1, NULL}};
    for (size_t i = 0; i < cases[_i].threads; i++)
        find_add(cases[_i].on, "something")->address = 0x10;
    find_add_join(101);
    const struct finding *finding = find_all(1);
    ck_assert_pstr_eq(finding->pattern, cases[_i].section);
}
END_TEST

START_TEST(a_lock_held_in_a_wait)
{
    find_add(WAIT_SEMAPHORE, "semaphore room");
    find_add_lock(101);
    ck_assert_pstr_eq(find_all(1)->pattern, "LOCK HELD WHILE WAITING ON A QUEUE");
}
END_TEST

int main(void)
{
    TCase *tests = find_made_case("find_stuck");
    tcase_add_test(tests, all_threads_wait_for_each_other);
    tcase_add_test(tests, a_signal_handler_may_wake_one);
    tcase_add_test(tests, not_asleep_with_a_timeout);
    tcase_add_test(tests, not_asleep_with_something_outside);
    tcase_add_test(tests, not_asleep_with_a_shared_object);
    tcase_add_test(tests, not_asleep_while_one_runs);
    tcase_add_test(tests, not_asleep_when_one_was_read_later);
    tcase_add_test(tests, a_deadlock_of_all_is_enough);
    tcase_add_test(tests, all_threads_are_facts_and_four_are_shown);
    tcase_add_test(tests, stuck_threads_and_who_joins_them);
    tcase_add_test(tests, stuck_with_a_caveat_is_likely);
    tcase_add_test(tests, a_caveat_of_one_is_none_of_another);
    tcase_add_test(tests, stuck_with_something_unseen_is_a_note);
    tcase_add_test(tests, a_lock_whose_owner_has_ended_is_no_cause);
    tcase_add_test(tests, four_that_wait_for_one_object);
    tcase_add_test(tests, many_that_wait_for_one_object);
    tcase_add_test(tests, an_object_each);
    tcase_add_test(tests, one_object_at_two_places);
    tcase_add_loop_test(tests, sections_of_a_hang, 0, 4);
    tcase_add_test(tests, a_lock_held_in_a_wait);
    return suite_run("find_stuck", tests);
}
