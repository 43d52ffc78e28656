/* lost-wakeup over made-up threads: T1 is the main thread, tid 101, and T2 is tid 102, … */
#include <string.h>

#include "find_made.h"
#include "ledger_fake.h"
#include "suite.h"

#define SECOND UINT64_C(1000000000)
enum { MAX_TRACKED = 5 };

static struct fake *fake;
static struct ledger *ledger;

/* The threads that are added next have records. */
static void open_ledger(void)
{
    for (int i = 0; i < MAX_TRACKED - 1; i++)
        fake_thread(fake, &(struct fake_thread){.state = SLOT_STARTED, .tid = 102 + i});
    ledger = fake_open(fake);
    find_evidence.ledger = ledger;
    ck_assert(thread_index_read(&find_evidence.threads, ledger));
}

static void set_up(void)
{
    fake = fake_new_small();
    fake_header(fake)->pid = find_evidence.pid;
}

static void tear_down(void)
{
    thread_index_release(&find_evidence.threads);
    ledger_close(ledger);
    fake_free(fake);
}

/* A thread that waits since second 5. The notification was in second 4. */
static struct thread_stack *add_waiter(uint64_t notifier)
{
    struct wait *wait = find_add(WAIT_CONDVAR, "condvar wait on full, no timeout");
    struct thread_stack *thread = &find_threads[find_stacks.count - 1];
    wait->address = 0x1000;
    thread->notified = (struct notified){.state = NOTIFIED_BY,
                                         .id = notifier,
                                         .notifiers = UINT64_C(1) << notifier % 64,
                                         4 * SECOND,
                                         5 * SECOND};
    return thread;
}

static struct thread_stack *add_joiner(pid_t joined)
{
    find_add_join(joined);
    find_threads[find_stacks.count - 1].owner_id = (uint64_t)joined - 100;
    return &find_threads[find_stacks.count - 1];
}

static const struct finding *lost_at(enum finding_level level)
{
    ck_assert(findings_find(&found, &find_evidence, NULL, 1u << FINDING_LOST_WAKEUP));
    ck_assert_uint_eq(found.count, 1);
    ck_assert_int_eq(found.items[0].level, level);
    return found.items;
}

static void none(void)
{
    ck_assert(findings_find(&found, &find_evidence, NULL, 1u << FINDING_LOST_WAKEUP));
    ck_assert_uint_eq(found.count, 0);
}

START_TEST(the_notifier_joins)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1);
    const struct finding *finding = lost_at(FINDING_LIKELY);
    ck_assert_str_eq(finding->text,
                     "T2 waits for condvar full, last notified by T1, 1.00 s before this wait began, and "
                     "T1 joins T2");
    ck_assert_ptr_nonnull(strstr(found.verdict, "STUCK: T2 waits"));
    ck_assert_ptr_nonnull(strstr(finding->assumed, "futex calls"));
    ck_assert_uint_eq(finding->thread_count, 2);
}
END_TEST

START_TEST(the_notifier_joins_a_thread_that_joins)
{
    open_ledger();
    add_joiner(102);
    add_joiner(103);
    add_waiter(1);
    lost_at(FINDING_LIKELY);
}
END_TEST

START_TEST(the_notifier_has_ended)
{
    open_ledger();
    add_waiter(9);
    ck_assert_ptr_nonnull(strstr(lost_at(FINDING_LIKELY)->text, ", and T9 has ended"));
}
END_TEST

START_TEST(two_wait_for_one_object)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1);
    add_waiter(1);
    lost_at(FINDING_LIKELY);
}
END_TEST

START_TEST(another_thread_runs)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1);
    find_add(WAIT_SLEEP, "sleep")->timeout = WAIT_TIMEOUT_YES;
    lost_at(FINDING_NOTE);
}
END_TEST

START_TEST(another_thread_waits_for_input)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1);
    find_add(WAIT_FILE, "read")->timeout = WAIT_TIMEOUT_UNKNOWN;
    lost_at(FINDING_LIKELY);
}
END_TEST

/* It has just handed over a job, and the worker is idle. */
START_TEST(the_notifier_has_ended_and_another_thread_waits_for_input)
{
    open_ledger();
    find_add(WAIT_FILE, "read");
    add_waiter(9);
    lost_at(FINDING_NOTE);
}
END_TEST

/* A join of the worker by another thread does not say that the thread that waits for input should end. */
START_TEST(the_notifier_has_ended_and_another_thread_joins)
{
    open_ledger();
    add_joiner(103);
    find_add(WAIT_FILE, "read");
    add_waiter(9);
    lost_at(FINDING_NOTE);
}
END_TEST

/* Libc's thread for SIGEV_THREAD has no record. */
START_TEST(a_timer_can_notify)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1);
    while (find_stacks.count < MAX_TRACKED)
        find_add_join(102);
    find_add(WAIT_SIGNAL, "signal wait for signal 32")->timeout = WAIT_TIMEOUT_NO;
    lost_at(FINDING_NOTE);
}
END_TEST

START_TEST(a_signal_handler_can_post)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1)->wait.on = WAIT_SEMAPHORE;
    lost_at(FINDING_LIKELY);
    findings_release(&found);
    find_stacks.handles_signals = true;
    lost_at(FINDING_NOTE);
}
END_TEST

START_TEST(another_process_can_notify)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1)->wait.shared = true;
    none();
}
END_TEST

START_TEST(another_thread_has_notified_before)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1)->notified.notifiers |= 1u << 3;
    find_add(WAIT_FILE, "read");
    none();
}
END_TEST

START_TEST(the_notifiers_are_not_known)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1)->notified.notifiers = UINT64_MAX;
    find_add(WAIT_FILE, "read");
    none();
}
END_TEST

START_TEST(the_notifier_goes_on)
{
    open_ledger();
    find_add(WAIT_FILE, "read");
    add_waiter(1);
    none();
}
END_TEST

START_TEST(the_notifier_joins_another_thread)
{
    open_ledger();
    add_joiner(103);
    add_waiter(1);
    find_add(WAIT_FILE, "read");
    none();
}
END_TEST

START_TEST(the_notification_came_later)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1)->notified.ns = 6 * SECOND;
    none();
}
END_TEST

START_TEST(the_beginning_of_the_wait_is_not_known)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1)->notified.wait_ns = 0;
    none();
}
END_TEST

START_TEST(the_wait_has_a_timeout)
{
    open_ledger();
    add_joiner(102);
    add_waiter(1)->wait.timeout = WAIT_TIMEOUT_YES;
    none();
}
END_TEST

START_TEST(the_notifier_waits_itself)
{
    open_ledger();
    find_add_join(102);
    add_waiter(2);
    none();
}
END_TEST

START_TEST(the_notifier_waits_for_the_same)
{
    open_ledger();
    find_add_join(102);
    add_waiter(3);
    add_waiter(2);
    none();
}
END_TEST

/* T5 has a record, so it is alive. */
START_TEST(the_stack_of_the_notifier_is_missing)
{
    open_ledger();
    find_add_join(102);
    add_waiter(5);
    none();
}
END_TEST

START_TEST(the_notifier_is_untracked)
{
    open_ledger();
    add_joiner(102);
    add_waiter(0);
    none();
}
END_TEST

START_TEST(the_notifier_ends_the_process)
{
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    fake_header(fake)->end_serial = 1;
    open_ledger();
    find_add(WAIT_OTHER, "child");
    add_waiter(1);
    ck_assert_ptr_nonnull(strstr(lost_at(FINDING_NOTE)->text, "T1 has ended the process"));
    ck_assert_ptr_null(found.verdict);
}
END_TEST

START_TEST(without_a_ledger)
{
    add_waiter(1);
    none();
}
END_TEST

int main(void)
{
    TCase *tests = find_made_case("find_wakes");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_notifier_joins);
    tcase_add_test(tests, the_notifier_joins_a_thread_that_joins);
    tcase_add_test(tests, the_notifier_has_ended);
    tcase_add_test(tests, two_wait_for_one_object);
    tcase_add_test(tests, another_thread_runs);
    tcase_add_test(tests, another_thread_waits_for_input);
    tcase_add_test(tests, the_notifier_has_ended_and_another_thread_waits_for_input);
    tcase_add_test(tests, the_notifier_has_ended_and_another_thread_joins);
    tcase_add_test(tests, a_timer_can_notify);
    tcase_add_test(tests, a_signal_handler_can_post);
    tcase_add_test(tests, another_process_can_notify);
    tcase_add_test(tests, another_thread_has_notified_before);
    tcase_add_test(tests, the_notifiers_are_not_known);
    tcase_add_test(tests, the_notifier_goes_on);
    tcase_add_test(tests, the_notifier_joins_another_thread);
    tcase_add_test(tests, the_notification_came_later);
    tcase_add_test(tests, the_beginning_of_the_wait_is_not_known);
    tcase_add_test(tests, the_wait_has_a_timeout);
    tcase_add_test(tests, the_notifier_waits_itself);
    tcase_add_test(tests, the_notifier_waits_for_the_same);
    tcase_add_test(tests, the_stack_of_the_notifier_is_missing);
    tcase_add_test(tests, the_notifier_is_untracked);
    tcase_add_test(tests, the_notifier_ends_the_process);
    tcase_add_test(tests, without_a_ledger);
    return suite_run("find_wakes", tests);
}
