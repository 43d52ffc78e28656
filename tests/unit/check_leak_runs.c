/* The reports of several runs, as one. */
#include <string.h>

#include "leak/runs.h"
#include "leak_made.h"
#include "suite.h"

static struct report *total;
static bool moved;

static void setup(void)
{
    leak_setup();
    total = report_new();
    ck_assert_ptr_nonnull(total);
}

static void teardown(void)
{
    report_free(total);
    leak_teardown();
}

/* Adds leak_report, and begins the next one with the same ledger. */
static void add_run(uint64_t number)
{
    build_exit();
    ck_assert(report_add_run(total, leak_report, number, &moved));
    report_free(leak_report);
    leak_report = report_new();
    ck_assert_ptr_nonnull(leak_report);
}

START_TEST(a_leak_of_two_runs)
{
    add_thread(site_at(0x100), ALIVE);
    add_run(1);
    add_run(2);
    report_finish(total);
    ck_assert_uint_eq(total->process_count, 1);
    ck_assert_uint_eq(total->processes[0].group_count, 1);
    ck_assert_uint_eq(total->processes[0].groups[0].runs.count, 2);
    ck_assert_uint_eq(total->processes[0].groups[0].runs.first, 1);
    ck_assert_uint_eq(total->runs.count, 2);
    ck_assert_uint_eq(total->runs.leaked, 2);
    ck_assert_uint_eq(total->summary.leaked_threads, 1);
    ck_assert_uint_eq(total->summary.processes, 2);
}
END_TEST

START_TEST(a_leak_of_a_later_run)
{
    add_run(1);
    add_thread(site_at(0x100), ALIVE);
    add_run(2);
    add_thread(site_at(0x200), ALIVE);
    moved = false;
    add_run(3);
    ck_assert(moved);
    report_finish(total);
    ck_assert_uint_eq(total->runs.leaked, 2);
    ck_assert_uint_eq(total->process_count, 2);
    ck_assert_uint_eq(total->processes[0].groups[0].runs.first, 2);
    ck_assert_uint_eq(total->processes[0].groups[0].runs.count, 2);
    ck_assert_uint_eq(total->processes[1].group_count, 1);
    ck_assert_uint_eq(total->processes[1].groups[0].runs.first, 3);
    ck_assert_uint_eq(total->summary.leak_sites, 2);
}
END_TEST

START_TEST(other_kinds_are_other_leaks)
{
    uint32_t site = site_at(0x100);
    add_thread(site, ALIVE);
    add_run(1);
    add_thread(site, ENDED);
    add_run(2);
    ck_assert_uint_eq(total->process_count, 2);
    ck_assert_uint_eq(total->processes[0].groups[0].runs.count, 2);
    ck_assert_int_eq(total->processes[1].groups[0].kind, LEAK_UNJOINED);
    ck_assert_uint_eq(total->processes[1].groups[0].runs.count, 1);
}
END_TEST

START_TEST(two_processes_of_one_run)
{
    add_thread(site_at(0x100), ALIVE);
    build_exit();
    build_exit();
    ck_assert(report_add_run(total, leak_report, 1, &moved));
    report_free(leak_report);
    leak_report = report_new();
    ck_assert_uint_eq(total->processes[0].groups[0].runs.count, 1);
    report_finish(total);
    ck_assert_uint_eq(total->summary.leaked_threads, 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak_runs");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_leak_of_two_runs);
    tcase_add_test(tests, a_leak_of_a_later_run);
    tcase_add_test(tests, other_kinds_are_other_leaks);
    tcase_add_test(tests, two_processes_of_one_run);
    return suite_run("leak_runs", tests);
}
