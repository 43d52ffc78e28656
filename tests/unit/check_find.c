/* Findings over made-up threads and waits. */
#include "find_made.h"

#include <stdlib.h>
#include <string.h>

#include "ledger_fake.h"
#include "suite.h"

START_TEST(nothing_without_stacks)
{
    find_evidence.stacks = NULL;
    find_all(0);
    ck_assert_ptr_null(found.verdict);
}
END_TEST

START_TEST(a_join_and_a_lock)
{
    find_add_join(102);
    find_add_lock(101);
    const struct finding *finding = find_all(1);
    ck_assert_int_eq(finding->code, FINDING_DEADLOCK);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_str_eq(finding->text, "tid 101 joins tid 102, which waits for mutex a, held by tid 101");
    ck_assert_str_eq(found.verdict,
                     "STUCK: tid 101 joins tid 102, which waits for mutex a, held by tid 101: deadlock");
    ck_assert_uint_eq(finding->thread_count, 2);
    ck_assert_str_eq(finding->facts[1].text, "tid 102 waits for mutex a, held by tid 101");
    ck_assert(finding_names(finding, 0, 102) && !finding_names(finding, 0, 103));
}
END_TEST

static void check_names_all(const struct finding *finding)
{
    for (pid_t tid = 100; tid <= 104; tid++)
        ck_assert_int_eq(finding_names(finding, 0, tid), tid > 100 && tid < 104);
}

START_TEST(threads_in_ascending_order_are_found_in_a_finding)
{
    find_add_join(102);
    find_add_join(103);
    find_add_join(101);
    check_names_all(find_all(1));
}
END_TEST

START_TEST(threads_in_another_order_are_found_in_a_finding)
{
    find_add_join(103);
    find_add_join(101);
    find_add_join(102);
    const struct finding *finding = find_all(1);
    ck_assert_int_gt(finding->threads[1].tid, finding->threads[2].tid);
    check_names_all(finding);
}
END_TEST

START_TEST(a_thread_that_waits_for_itself)
{
    find_add(WAIT_SLEEP, "sleep");
    find_add_lock(102);
    ck_assert_str_eq(find_all(1)->text, "tid 102 waits for mutex a, held by itself");
}
END_TEST

START_TEST(a_chain_is_no_circle)
{
    find_add_join(102);
    find_add_lock(103);
    find_add(WAIT_SLEEP, "sleep");
    find_all(0);
}
END_TEST

START_TEST(a_timeout_opens_the_circle)
{
    find_add_lock(102);
    find_add_lock(101)->timeout = WAIT_TIMEOUT_YES;
    find_all(0);
}
END_TEST

START_TEST(an_unknown_timeout_is_no_proof)
{
    find_add_lock(102);
    find_add_lock(101)->timeout = WAIT_TIMEOUT_UNKNOWN;
    ck_assert_int_eq(find_all(1)->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(found.verdict, ": likely deadlock"));
}
END_TEST

START_TEST(an_inferred_owner_is_no_proof)
{
    find_add_lock(102);
    find_add_lock(101)->owner_inferred = true;
    ck_assert_int_eq(find_all(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_lock_of_several_processes_is_no_proof)
{
    find_add_lock(102);
    find_add_lock(101)->shared = true;
    ck_assert_int_eq(find_all(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(stops_at_different_times_are_no_proof)
{
    find_add_lock(102);
    find_add_lock(101);
    find_threads[1].source = STACK_SOURCE_SIGNAL;
    ck_assert_int_eq(find_all(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_thread_that_was_read_later_is_no_proof)
{
    find_add_lock(102);
    find_add_lock(101);
    find_threads[1].later = true;
    ck_assert_int_eq(find_all(1)->level, FINDING_LIKELY);
}
END_TEST

/* The level of a circle of two threads, in which 102 waits since `idle_s` for a lock of 101, at 10 s. */
static enum finding_level level_of_wait(double idle_s, uint64_t owner_created_ns)
{
    struct fake *fake = fake_new_small();
    fake_thread(fake,
                &(struct fake_thread){.state = SLOT_STARTED, .tid = 101, .created_ns = owner_created_ns});
    struct ledger *ledger = fake_open(fake);
    find_add_join(102);
    find_add_lock(101);
    find_threads[1].idle_s = idle_s;
    find_evidence.pid = 100;
    find_evidence.now_ns = UINT64_C(10000000000);
    find_evidence.ledger = ledger;
    ck_assert(thread_index_read(&find_evidence.threads, ledger));
    enum finding_level level = find_all(1)->level;
    findings_release(&found);
    thread_index_release(&find_evidence.threads);
    ledger_close(ledger);
    fake_free(fake);
    return level;
}

START_TEST(an_owner_that_is_younger_than_the_wait)
{
    ck_assert_int_eq(level_of_wait(5, UINT64_C(6000000000)), FINDING_LIKELY);
}
END_TEST

START_TEST(an_owner_that_is_older_than_the_wait)
{
    ck_assert_int_eq(level_of_wait(5, UINT64_C(4000000000)), FINDING_PROVED);
}
END_TEST

START_TEST(those_that_wait_for_a_member)
{
    find_add_join(105); /* three waits away */
    find_add_lock(103);
    find_add_lock(102);
    find_add_lock(103);
    find_add_lock(104);
    find_add_lock(107);
    find_add(WAIT_SLEEP, "sleep");
    const struct finding *finding = find_all(1);
    const pid_t order[] = {102, 103, 104, 105, 101};
    ck_assert_uint_eq(finding->thread_count, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(finding->threads[i].tid, order[i]);
    ck_assert_str_eq(finding->facts[3].text, "tid 105 waits for mutex a, held by tid 104, 2 waits away");
    ck_assert_str_eq(finding->facts[4].text, "tid 101 joins tid 105, 3 waits away");
}
END_TEST

START_TEST(two_circles_are_two_findings)
{
    find_add_lock(102);
    find_add_lock(101);
    find_add_lock(104);
    find_add_lock(103)->timeout = WAIT_TIMEOUT_UNKNOWN;
    const struct finding *finding = find_all(2);
    ck_assert_int_eq(finding[0].level, FINDING_PROVED);
    ck_assert_int_eq(finding[1].level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_long_circle_is_shortened)
{
    for (pid_t i = 0; i < MAX_THREADS; i++)
        find_add_lock(101 + (i + 1) % MAX_THREADS);
    const struct finding *finding = find_all(1);
    ck_assert_uint_eq(finding->thread_count, MAX_THREADS);
    ck_assert_uint_lt(finding->fact_count, MAX_THREADS);
    ck_assert_uint_lt(strlen(finding->text), 400);
    ck_assert_ptr_nonnull(strstr(finding->text, "through 34 more, back to the first"));
}
END_TEST

START_TEST(an_owner_that_has_ended)
{
    find_add(WAIT_SLEEP, "sleep");
    struct wait *wait = find_add_lock(4242);
    wait->owner_ended = true;
    const struct finding *finding = find_all(1);
    ck_assert_int_eq(finding->code, FINDING_DEAD_OWNER);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_str_eq(finding->text, "tid 102 waits for mutex a, held by tid 4242, which has ended");
}
END_TEST

START_TEST(an_owner_in_the_parent_process)
{
    struct wait *wait = find_add_lock(4242);
    wait->owner_ended = true;
    wait->owner_process = 4200;
    ck_assert_str_eq(
        find_all(1)->text,
        "tid 101 waits for mutex a, held by tid 4242, which exists only in the parent process 4200");
}
END_TEST

START_TEST(an_owner_in_another_pid_namespace)
{
    find_add_lock(0)->owner_ended = true;
    ck_assert_str_eq(find_all(1)->text, "tid 101 waits for mutex a, held by a thread, which has ended");
}
END_TEST

START_TEST(an_ended_owner_of_a_shared_lock_is_no_proof)
{
    struct wait *wait = find_add_lock(4242);
    wait->owner_ended = wait->shared = true;
    ck_assert_int_eq(find_all(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_timed_wait_for_an_ended_owner)
{
    struct wait *wait = find_add_lock(4242);
    wait->owner_ended = true;
    wait->timeout = WAIT_TIMEOUT_YES;
    find_all(0);
}
END_TEST

START_TEST(an_initialisation_is_begun)
{
    find_add_join(102);
    find_add(WAIT_OTHER, "once-initialisation of table")->owner = 101;
    ck_assert_str_eq(find_all(1)->text,
                     "tid 101 joins tid 102, which waits for once-initialisation of table, begun by tid 101");
}
END_TEST

START_TEST(only_what_is_wanted)
{
    find_add_lock(102);
    find_add_lock(101);
    ck_assert(findings_find(&found, &find_evidence, NULL, 1u << FINDING_DEAD_OWNER));
    ck_assert_uint_eq(found.count, 0);
}
END_TEST

START_TEST(names_of_codes)
{
    ck_assert_int_eq(finding_code_of("dead-owner"), FINDING_DEAD_OWNER);
    ck_assert_int_eq(finding_code_of("dead"), FINDING_CODES);
}
END_TEST

int main(void)
{
    TCase *tests = find_made_case("find");
    tcase_add_test(tests, nothing_without_stacks);
    tcase_add_test(tests, a_join_and_a_lock);
    tcase_add_test(tests, threads_in_ascending_order_are_found_in_a_finding);
    tcase_add_test(tests, threads_in_another_order_are_found_in_a_finding);
    tcase_add_test(tests, a_thread_that_waits_for_itself);
    tcase_add_test(tests, a_chain_is_no_circle);
    tcase_add_test(tests, a_timeout_opens_the_circle);
    tcase_add_test(tests, an_unknown_timeout_is_no_proof);
    tcase_add_test(tests, an_inferred_owner_is_no_proof);
    tcase_add_test(tests, a_lock_of_several_processes_is_no_proof);
    tcase_add_test(tests, stops_at_different_times_are_no_proof);
    tcase_add_test(tests, a_thread_that_was_read_later_is_no_proof);
    tcase_add_test(tests, an_owner_that_is_younger_than_the_wait);
    tcase_add_test(tests, an_owner_that_is_older_than_the_wait);
    tcase_add_test(tests, those_that_wait_for_a_member);
    tcase_add_test(tests, two_circles_are_two_findings);
    tcase_add_test(tests, a_long_circle_is_shortened);
    tcase_add_test(tests, an_owner_that_has_ended);
    tcase_add_test(tests, an_owner_in_the_parent_process);
    tcase_add_test(tests, an_owner_in_another_pid_namespace);
    tcase_add_test(tests, an_ended_owner_of_a_shared_lock_is_no_proof);
    tcase_add_test(tests, a_timed_wait_for_an_ended_owner);
    tcase_add_test(tests, an_initialisation_is_begun);
    tcase_add_test(tests, only_what_is_wanted);
    tcase_add_test(tests, names_of_codes);
    return suite_run("find", tests);
}
