/* Which threads are stuck, in a made-up snapshot with made-up waits. */
#include <check.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "reach/caveat.h"
#include "reach/collector.h"
#include "reach_made.h"
#include "suite.h"
#include "wait/view.h"

/* The main thread runs; the other one waits for a lock whose owner has ended. */
enum { MAIN, WAITER, THREADS };

static struct made *made;
static struct reach_collector collector;
static struct snapshot_thread threads[THREADS];
static struct wait items[THREADS];
static struct snapshot snapshot;
static struct reach_thread_result results[THREADS];
static struct reach_summary summary;

static void setup(void)
{
    struct case_of_one of = one_waiter();
    made = of.made;
    made_end_heap(made);
    for (size_t i = 0; i < THREADS; i++) {
        threads[i] = (struct snapshot_thread){.tid = made->threads[i].tid, .syscall_nr = SYS_futex};
        items[i] = (struct wait){.timeout = WAIT_TIMEOUT_NO};
    }
    threads[WAITER].syscall_args[0] = made->threads[of.waiter].address;
    threads[WAITER].syscall_args[1] = FUTEX_PRIVATE_FLAG;
    items[WAITER].on = WAIT_MUTEX;
    items[WAITER].owner_ended = true;
    snapshot = (struct snapshot){.threads = threads, .count = THREADS, .complete = true};
}

static void teardown(void)
{
    reach_summary_release(&summary);
    made_free(made);
}

static const struct reach_thread_result *judge(void)
{
    struct waits waits = {.context = {.snapshot = &snapshot}, .items = items};
    collector = (struct reach_collector){.image = made->image, .collected = true};
    reach_judge(&collector, &snapshot, &waits, results, &summary);
    made->image = collector.image;
    ck_assert_msg(summary.checked, "%s", summary.why_not);
    return &results[WAITER];
}

START_TEST(a_lock_whose_owner_has_ended)
{
    ck_assert_int_eq(judge()->state, REACH_STUCK);
    ck_assert_uint_eq(results[WAITER].caveats, 0);
    ck_assert_int_eq(results[MAIN].state, REACH_LIVE);
}
END_TEST

static const struct {
    const char *what;
    bool *fact, is;
} facts[] = {
    {"another process may unlock it", &items[WAITER].shared, true},
    {"the owner may have forked", &items[WAITER].owner_may_have_forked, true},
    {"the owner is not known", &items[WAITER].owner_ended, false},
    {"the thread was read later", &threads[WAITER].later, true},
    {"the thread runs again", &items[WAITER].running, true},
};

START_TEST(a_fact_that_contradicts)
{
    *facts[_i].fact = facts[_i].is;
    ck_assert_msg(judge()->state == REACH_LIVE, "%s", facts[_i].what);
}
END_TEST

/* The number of a thread that has ended can be that of another thread. */
START_TEST(an_ended_owner_is_no_thread_with_its_number)
{
    items[WAITER].owner = threads[MAIN].tid;
    ck_assert_int_eq(judge()->state, REACH_STUCK);
}
END_TEST

START_TEST(an_owner_that_runs)
{
    items[WAITER].owner = threads[MAIN].tid;
    items[WAITER].owner_ended = false;
    ck_assert_int_eq(judge()->state, REACH_LIVE);
}
END_TEST

START_TEST(a_thread_that_left_its_call)
{
    made->threads[WAITER].moved = true;
    ck_assert_int_eq(judge()->state, REACH_LIVE);
}
END_TEST

START_TEST(a_thread_that_was_not_read)
{
    threads[WAITER].state = SNAPSHOT_UNSTOPPABLE;
    ck_assert_int_eq(judge()->state, REACH_LIVE);
}
END_TEST

START_TEST(a_thread_in_another_call)
{
    threads[WAITER].syscall_nr = SYS_read;
    ck_assert_int_eq(judge()->state, REACH_LIVE);
}
END_TEST

START_TEST(a_wait_with_a_timeout)
{
    static const enum wait_timeout timeouts[] = {WAIT_TIMEOUT_UNKNOWN, WAIT_TIMEOUT_YES};
    items[WAITER].timeout = timeouts[_i];
    ck_assert_int_eq(judge()->state, REACH_LIVE);
}
END_TEST

START_TEST(threads_that_were_not_stopped)
{
    snapshot.complete = false;
    ck_assert_int_eq(judge()->state, REACH_STUCK);
    ck_assert_uint_eq(results[WAITER].caveats, REACH_BIT(UNSTOPPED));
    ck_assert_uint_eq(summary.caveats, REACH_BIT(UNSTOPPED));
}
END_TEST

START_TEST(a_debugger)
{
    threads[MAIN].state = SNAPSHOT_TRACED;
    ck_assert_int_eq(judge()->state, REACH_STUCK);
    ck_assert_uint_eq(results[WAITER].caveats, REACH_BIT(DEBUGGER));
}
END_TEST

/* A reader-writer lock that readers hold has no owner: whoever has a reference to it may unlock it. */
START_TEST(a_lock_of_readers)
{
    items[WAITER].on = WAIT_RWLOCK;
    items[WAITER].owner_ended = false;
    ck_assert_int_eq(judge()->state, REACH_STUCK);
    ck_assert_int_eq(made->threads[WAITER].need, REACH_NEEDS_OBJECT);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("judge");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_lock_whose_owner_has_ended);
    tcase_add_loop_test(all, a_fact_that_contradicts, 0, sizeof(facts) / sizeof(*facts));
    tcase_add_test(all, an_ended_owner_is_no_thread_with_its_number);
    tcase_add_test(all, an_owner_that_runs);
    tcase_add_test(all, a_thread_that_left_its_call);
    tcase_add_test(all, a_thread_that_was_not_read);
    tcase_add_test(all, a_thread_in_another_call);
    tcase_add_loop_test(all, a_wait_with_a_timeout, 0, 2);
    tcase_add_test(all, threads_that_were_not_stopped);
    tcase_add_test(all, a_debugger);
    tcase_add_test(all, a_lock_of_readers);
    return suite_run("reach_judge", all);
}
