/* Times of threads are corrected to the moment of their process. */
#include <stdlib.h>
#include <string.h>

#include "evidence/moment.h"
#include "ledger_fake.h"
#include "suite.h"

#define S UINT64_C(1000000000)

enum { PID = 4711 };

static struct fake *fake;
static struct evidence evidence;
static struct ledger *ledger;
static struct thread_stack threads[3];
static struct stacks stacks;

/* The process begins at 1 s, its threads at 2 s and 5 s; 10 s is now. */
static void setup(void)
{
    fake = fake_new();
    uint32_t app = fake_module(fake, "/nonexistent/app", NULL, 0);
    uint32_t site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x100)}, 1);
    for (int i = 1; i <= 2; i++)
        fake_thread(fake, &(struct fake_thread){.site = site,
                                                .state = SLOT_STARTED,
                                                .tid = PID + i,
                                                .created_ns = (uint64_t)(3 * i - 1) * S});
    ledger = fake_open(fake);
    evidence = (struct evidence){.ledger = ledger, .pid = PID, .stacks = &stacks, .now_ns = 10 * S};
    ck_assert(thread_index_read(&evidence.threads, ledger));
    for (int i = 0; i < 3; i++)
        threads[i] = (struct thread_stack){.tid = PID + i, .idle_s = -1, .wait.left_s = -1};
    stacks = (struct stacks){.threads = threads, .count = 3};
}

static void teardown(void)
{
    thread_index_release(&evidence.threads);
    ledger_close(ledger);
    fake_free(fake);
}

static void check_idle(double of_main, double first, double second)
{
    moment_align(&evidence);
    ck_assert_double_eq_tol(threads[0].idle_s, of_main, 0.001);
    ck_assert_double_eq_tol(threads[1].idle_s, first, 0.001);
    ck_assert_double_eq_tol(threads[2].idle_s, second, 0.001);
}

static void set_idle(double of_main, double first, double second)
{
    threads[0].idle_s = of_main;
    threads[1].idle_s = first;
    threads[2].idle_s = second;
}

START_TEST(nobody_waits_for_longer_than_he_lives)
{
    set_idle(9.5, 8.25, 5.5);
    stacks.moment_ns = 10 * S;
    check_idle(9, 8, 5);
}
END_TEST

START_TEST(what_is_possible_stays)
{
    set_idle(0, 7, 0.25);
    stacks.moment_ns = 10 * S;
    check_idle(0, 7, 0.25);
}
END_TEST

START_TEST(stacks_that_were_taken_later)
{
    set_idle(2.5, 1, 30);
    stacks.moment_ns = 12 * S;
    check_idle(0.5, 0, 5);
}
END_TEST

/* 2 s of the wait were over when the stacks were taken. */
START_TEST(the_rest_of_a_wait)
{
    struct wait *wait = &threads[1].wait, *later = &threads[2].wait;
    wait->text = strdup("condvar wait on c, 0.5 s left (mutex m)");
    later->text = strdup("sleep of 1 s, 0.9 s left");
    wait->left_s = 0.5;
    later->left_s = 0.9;
    set_idle(-1, 3, 0.1);
    stacks.moment_ns = 12 * S;
    moment_align(&evidence);
    ck_assert_double_eq_tol(wait->left_s, 2.5, 0.001);
    ck_assert_str_eq(wait->text, "condvar wait on c, 2.5 s left (mutex m)");
    ck_assert_str_eq(later->text, "sleep of 1 s, 1.0 s left"); /* it began after the moment */
    free(wait->text);
    free(later->text);
}
END_TEST

START_TEST(unknown_stays_unknown)
{
    stacks.moment_ns = 12 * S;
    check_idle(-1, -1, -1);
    set_idle(100, 100, 100);
    evidence.now_ns = 0;
    check_idle(100, 100, 100);
}
END_TEST

START_TEST(a_thread_that_is_not_in_the_ledger)
{
    threads[2].tid = PID + 7;
    set_idle(0, 0, 100);
    stacks.moment_ns = 10 * S;
    check_idle(0, 0, 100);
    evidence.stacks = NULL;
    moment_align(&evidence);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("moment");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nobody_waits_for_longer_than_he_lives);
    tcase_add_test(tests, what_is_possible_stays);
    tcase_add_test(tests, stacks_that_were_taken_later);
    tcase_add_test(tests, the_rest_of_a_wait);
    tcase_add_test(tests, unknown_stays_unknown);
    tcase_add_test(tests, a_thread_that_is_not_in_the_ledger);
    return suite_run("moment", tests);
}
