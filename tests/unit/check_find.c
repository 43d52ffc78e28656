/* Findings over made-up threads and waits. */
#include <stdlib.h>
#include <string.h>

#include "find/find.h"
#include "ledger_fake.h"
#include "suite.h"

#define MAX_THREADS 40

static struct thread_stack threads[MAX_THREADS];
static struct stacks stacks;
static struct evidence evidence;
static struct findings findings;

static void setup(void)
{
    memset(threads, 0, sizeof(threads));
    stacks = (struct stacks){.threads = threads};
    evidence = (struct evidence){.pid = 101, .stacks = &stacks};
}

static void teardown(void)
{
    findings_release(&findings);
}

/* A thread with the next tid, from 101 on. */
static struct wait *add(enum wait_on on, const char *what)
{
    struct thread_stack *thread = &threads[stacks.count];
    thread->tid = 101 + (pid_t)stacks.count++;
    thread->source = STACK_SOURCE_PTRACE;
    thread->wait = (struct wait){.on = on,
                                 .what = (char *)what,
                                 .object_length = (int)strlen(what),
                                 .timeout = WAIT_TIMEOUT_NO,
                                 .fd = -1};
    return &thread->wait;
}

static struct wait *add_lock(pid_t owner)
{
    struct wait *wait = add(WAIT_MUTEX, "mutex a");
    wait->owner = owner;
    return wait;
}

static struct wait *add_join(pid_t joined)
{
    struct wait *wait = add(WAIT_JOIN, "join");
    wait->owner = joined;
    return wait;
}

static const struct finding *find(size_t count)
{
    ck_assert(findings_find(&findings, &evidence, NULL, FIND_ALL));
    ck_assert_uint_eq(findings.count, count);
    return findings.items;
}

START_TEST(nothing_without_stacks)
{
    evidence.stacks = NULL;
    find(0);
    ck_assert_ptr_null(findings.verdict);
}
END_TEST

START_TEST(a_join_and_a_lock)
{
    add_join(102);
    add_lock(101);
    const struct finding *finding = find(1);
    ck_assert_int_eq(finding->code, FINDING_DEADLOCK);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_str_eq(finding->text, "tid 101 joins tid 102, which waits for mutex a, held by tid 101");
    ck_assert_str_eq(findings.verdict,
                     "STUCK: tid 101 joins tid 102, which waits for mutex a, held by tid 101: deadlock");
    ck_assert_uint_eq(finding->thread_count, 2);
    ck_assert_str_eq(finding->facts[1].text, "tid 102 waits for mutex a, held by tid 101");
    ck_assert(finding_names(finding, 0, 102) && !finding_names(finding, 0, 103));
}
END_TEST

START_TEST(a_thread_that_waits_for_itself)
{
    add(WAIT_SLEEP, "sleep");
    add_lock(102);
    ck_assert_str_eq(find(1)->text, "tid 102 waits for mutex a, held by itself");
}
END_TEST

START_TEST(a_chain_is_no_circle)
{
    add_join(102);
    add_lock(103);
    add(WAIT_SLEEP, "sleep");
    find(0);
}
END_TEST

START_TEST(a_timeout_opens_the_circle)
{
    add_lock(102);
    add_lock(101)->timeout = WAIT_TIMEOUT_YES;
    find(0);
}
END_TEST

START_TEST(an_unknown_timeout_is_no_proof)
{
    add_lock(102);
    add_lock(101)->timeout = WAIT_TIMEOUT_UNKNOWN;
    ck_assert_int_eq(find(1)->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(findings.verdict, ": likely deadlock"));
}
END_TEST

START_TEST(an_inferred_owner_is_no_proof)
{
    add_lock(102);
    add_lock(101)->owner_inferred = true;
    ck_assert_int_eq(find(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_lock_of_several_processes_is_no_proof)
{
    add_lock(102);
    add_lock(101)->shared = true;
    ck_assert_int_eq(find(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(stops_at_different_times_are_no_proof)
{
    add_lock(102);
    add_lock(101);
    threads[1].source = STACK_SOURCE_SIGNAL;
    ck_assert_int_eq(find(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_thread_that_was_read_later_is_no_proof)
{
    add_lock(102);
    add_lock(101);
    threads[1].later = true;
    ck_assert_int_eq(find(1)->level, FINDING_LIKELY);
}
END_TEST

/* The level of a circle of two threads, in which 102 waits since `idle_s` for a lock of 101, at 10 s. */
static enum finding_level level_of_wait(double idle_s, uint64_t owner_created_ns)
{
    struct fake *fake = fake_new_small();
    fake_thread(fake,
                &(struct fake_thread){.state = SLOT_STARTED, .tid = 101, .created_ns = owner_created_ns});
    struct ledger *ledger = fake_open(fake);
    add_join(102);
    add_lock(101);
    threads[1].idle_s = idle_s;
    evidence.pid = 100;
    evidence.now_ns = UINT64_C(10000000000);
    evidence.ledger = ledger;
    ck_assert(thread_index_read(&evidence.threads, ledger));
    enum finding_level level = find(1)->level;
    findings_release(&findings);
    thread_index_release(&evidence.threads);
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
    add_join(105); /* three waits away */
    add_lock(103);
    add_lock(102);
    add_lock(103);
    add_lock(104);
    add_lock(107);
    add(WAIT_SLEEP, "sleep");
    const struct finding *finding = find(1);
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
    add_lock(102);
    add_lock(101);
    add_lock(104);
    add_lock(103)->timeout = WAIT_TIMEOUT_UNKNOWN;
    const struct finding *finding = find(2);
    ck_assert_int_eq(finding[0].level, FINDING_PROVED);
    ck_assert_int_eq(finding[1].level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_long_circle_is_shortened)
{
    for (pid_t i = 0; i < MAX_THREADS; i++)
        add_lock(101 + (i + 1) % MAX_THREADS);
    const struct finding *finding = find(1);
    ck_assert_uint_eq(finding->thread_count, MAX_THREADS);
    ck_assert_uint_lt(finding->fact_count, MAX_THREADS);
    ck_assert_uint_lt(strlen(finding->text), 400);
    ck_assert_ptr_nonnull(strstr(finding->text, "through 34 more, back to the first"));
}
END_TEST

START_TEST(an_owner_that_has_ended)
{
    add(WAIT_SLEEP, "sleep");
    struct wait *wait = add_lock(4242);
    wait->owner_ended = true;
    const struct finding *finding = find(1);
    ck_assert_int_eq(finding->code, FINDING_DEAD_OWNER);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_str_eq(finding->text, "tid 102 waits for mutex a, held by tid 4242, which has ended");
}
END_TEST

START_TEST(an_owner_in_the_parent_process)
{
    struct wait *wait = add_lock(4242);
    wait->owner_ended = true;
    wait->owner_process = 4200;
    ck_assert_str_eq(
        find(1)->text,
        "tid 101 waits for mutex a, held by tid 4242, which exists only in the parent process 4200");
}
END_TEST

START_TEST(an_owner_in_another_pid_namespace)
{
    add_lock(0)->owner_ended = true;
    ck_assert_str_eq(find(1)->text, "tid 101 waits for mutex a, held by a thread, which has ended");
}
END_TEST

START_TEST(an_ended_owner_of_a_shared_lock_is_no_proof)
{
    struct wait *wait = add_lock(4242);
    wait->owner_ended = wait->shared = true;
    ck_assert_int_eq(find(1)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(a_timed_wait_for_an_ended_owner)
{
    struct wait *wait = add_lock(4242);
    wait->owner_ended = true;
    wait->timeout = WAIT_TIMEOUT_YES;
    find(0);
}
END_TEST

START_TEST(an_initialisation_is_begun)
{
    add_join(102);
    add(WAIT_OTHER, "once-initialisation of table")->owner = 101;
    ck_assert_str_eq(find(1)->text,
                     "tid 101 joins tid 102, which waits for once-initialisation of table, begun by tid 101");
}
END_TEST

START_TEST(only_what_is_wanted)
{
    add_lock(102);
    add_lock(101);
    ck_assert(findings_find(&findings, &evidence, NULL, 1u << FINDING_DEAD_OWNER));
    ck_assert_uint_eq(findings.count, 0);
}
END_TEST

START_TEST(names_of_codes)
{
    ck_assert_int_eq(finding_code_of("dead-owner"), FINDING_DEAD_OWNER);
    ck_assert_int_eq(finding_code_of("dead"), FINDING_CODES);
}
END_TEST

START_TEST(all_threads_wait_for_each_other)
{
    add(WAIT_CONDVAR, "condvar wait on a");
    add_join(101);
    ck_assert_int_eq(find(1)->code, FINDING_ALL_ASLEEP);
    ck_assert_int_eq(findings.items[0].level, FINDING_LIKELY);
    ck_assert_uint_eq(findings.items[0].thread_count, 2);
}
END_TEST

START_TEST(not_asleep_with_a_timeout)
{
    add(WAIT_CONDVAR, "condvar wait on a")->timeout = WAIT_TIMEOUT_YES;
    add_join(101);
    find(0);
}
END_TEST

START_TEST(not_asleep_with_something_outside)
{
    add(WAIT_CONDVAR, "condvar wait on a");
    add(WAIT_PIPE, "read of pipe 0")->fd = 0;
    find(0);
}
END_TEST

START_TEST(not_asleep_with_a_shared_object)
{
    add(WAIT_SEMAPHORE, "semaphore a")->shared = true;
    find(0);
}
END_TEST

START_TEST(a_deadlock_of_all_is_enough)
{
    add_lock(102);
    add_lock(101);
    ck_assert_int_eq(find(1)->code, FINDING_DEADLOCK);
}
END_TEST

START_TEST(stuck_threads_and_who_joins_them)
{
    static struct shared_stack stack;
    add(WAIT_PIPE, "read of pipe 0");
    add(WAIT_CONDVAR, "condvar wait on 0x10 on the heap, no timeout");
    add_join(102);
    for (size_t i = 1; i < 3; i++) {
        threads[i].reach.state = REACH_STUCK;
        threads[i].stack = &stack;
    }
    const struct finding *finding = find(1);
    ck_assert_int_eq(finding->code, FINDING_STUCK);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_uint_eq(finding->thread_count, 2);
    ck_assert_int_eq(finding->threads[0].tid, 102);
    ck_assert_ptr_nonnull(strstr(finding->text, "waits for condvar 0x10 on the heap, and nothing"));
}
END_TEST

START_TEST(stuck_with_a_caveat_is_likely)
{
    add(WAIT_PIPE, "read of pipe 0");
    add(WAIT_CONDVAR, "condvar wait on 0x10 on the heap, no timeout");
    threads[1].reach = (struct reach_thread_result){REACH_STUCK, 1u << REACH_CAVEAT_DEBUGGER};
    ck_assert_int_eq(find(1)->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(findings.items[0].assumed, "a debugger is attached"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("find");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_without_stacks);
    tcase_add_test(tests, a_join_and_a_lock);
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
    tcase_add_test(tests, all_threads_wait_for_each_other);
    tcase_add_test(tests, not_asleep_with_a_timeout);
    tcase_add_test(tests, not_asleep_with_something_outside);
    tcase_add_test(tests, not_asleep_with_a_shared_object);
    tcase_add_test(tests, a_deadlock_of_all_is_enough);
    tcase_add_test(tests, stuck_threads_and_who_joins_them);
    tcase_add_test(tests, stuck_with_a_caveat_is_likely);
    return suite_run("find", tests);
}
