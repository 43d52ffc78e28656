/* What the program itself requests: threads to ignore, and checks. */
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

static uint32_t site;

static void setup(void)
{
    leak_setup();
    site = site_at(0x100);
}

/* Serials count from 2. */
static struct ledger_slot *thread(uint32_t state)
{
    return fake_slot(fake, add_thread(site, SLOT_STARTED | state));
}

static void ignored(uint32_t reason)
{
    thread(SLOT_IGNORED)->reason = reason;
}

START_TEST(ignored_threads_are_apart_and_do_not_count)
{
    uint32_t reason = fake_string(fake, "the watchdog");
    ignored(reason);
    thread(0);
    ignored(0);
    ignored(reason);
    ignored(0x7fffffff); /* damaged */
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.alive, 5);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 1);
    ck_assert_uint_eq(leak_report->summary.suppressed_threads, 4);
    ck_assert_uint_eq(process->group_count, 4);
    ck_assert(process->groups[0].counted && !process->groups[0].suppressed_by);
    ck_assert_uint_eq(process->groups[1].thread_count, 2);
    ck_assert_str_eq(process->groups[1].suppressed_by, "program: the watchdog");
    ck_assert_str_eq(process->groups[2].suppressed_by, "program: ignored");
    ck_assert_str_eq(process->groups[3].suppressed_by, "program: ignored");
    for (size_t i = 1; i < 4; i++)
        ck_assert(!process->groups[i].counted && !process->groups[i].rule);
}
END_TEST

START_TEST(the_program_says_it_before_any_rule)
{
    struct error error;
    ck_assert(suppressions_load_text(leak_suppressions, "thread:nonexistent", "test", &error));
    ignored(fake_string(fake, "its own"));
    thread(0);
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 2);
    for (size_t i = 0; i < 2; i++)
        if (process->groups[i].threads[0].id == 2)
            ck_assert_str_eq(process->groups[i].suppressed_by, "program: its own");
        else
            ck_assert_str_eq(process->groups[i].suppressed_by, "thread:nonexistent");
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 0);
}
END_TEST

START_TEST(a_check_is_of_what_is_new)
{
    for (int i = 0; i < 6; i++)
        thread(i % 2 ? SLOT_DETACHED : 0);
    rules.check = rules.judge_live = true;
    rules.since = 3;
    rules.caller = 5;
    const struct process_report *process = build(&(struct process_end){.alive = true});
    ck_assert(process->checked && process->judged);
    ck_assert_uint_eq(process->since, 3);
    ck_assert_uint_eq(process->counts.alive, 6); /* the balance is the process's */
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 3);
    uint64_t seen = 0;
    for (size_t i = 0; i < process->group_count; i++)
        for (size_t t = 0; t < process->groups[i].thread_count; t++)
            seen |= 1u << process->groups[i].threads[t].id;
    ck_assert_uint_eq(seen, 1u << 4 | 1u << 6 | 1u << 7);
}
END_TEST

START_TEST(a_check_of_all)
{
    thread(0);
    thread(SLOT_ENDED);
    rules.check = rules.judge_live = true;
    rules.kinds = KIND_UNJOINED;
    const struct process_report *process = build(&(struct process_end){.alive = true});
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 1);
    ck_assert_int_eq(process->groups[0].kind, LEAK_UNJOINED);
    ck_assert_uint_eq(process->group_count, 2);
}
END_TEST

/* Only what comes with a check does: since and caller alone mean nothing. */
START_TEST(no_check_leaves_nothing_out)
{
    thread(0);
    thread(0);
    rules.since = 2;
    rules.caller = 3;
    ck_assert(!build_exit()->checked);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 2);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("asked");
    tcase_add_checked_fixture(tests, setup, leak_teardown);
    tcase_add_test(tests, ignored_threads_are_apart_and_do_not_count);
    tcase_add_test(tests, the_program_says_it_before_any_rule);
    tcase_add_test(tests, a_check_is_of_what_is_new);
    tcase_add_test(tests, a_check_of_all);
    tcase_add_test(tests, no_check_leaves_nothing_out);
    return suite_run("leak_asked", tests);
}
