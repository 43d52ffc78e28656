/* What a report has of threads and processes, from made-up evidence. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

/* ---- threads -------------------------------------------------------------------------------------- */

START_TEST(what_was_read_at_the_end)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ALIVE,
                                            .tid = 77,
                                            .name = "worker",
                                            .created_by = 9,
                                            .created_ns = 8 * SECOND + SECOND / 2,
                                            .sample_state = 'S',
                                            .sample_cpu_ns = SECOND / 4});
    const struct thread_info *info = the_thread(build_exit()); /* at 10 s */
    ck_assert_int_eq(info->tid, 77);
    ck_assert_str_eq(info->name, "worker");
    ck_assert_uint_eq(info->created_by, 9);
    ck_assert(fabs(info->age_s - 1.5) < 1e-9);
    ck_assert(info->ended_s < 0);
    ck_assert(fabs(info->cpu_s - 0.25) < 1e-9);
    ck_assert_int_eq(info->state, 'S');
}
END_TEST

START_TEST(a_finished_thread_has_no_state)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ENDED,
                                            .ended_ns = 7 * SECOND,
                                            .sample_state = 'S',
                                            .sample_cpu_ns = SECOND});
    const struct thread_info *info = the_thread(build_exit());
    ck_assert(fabs(info->ended_s - 3) < 1e-9);
    ck_assert(fabs(info->age_s - 8) < 1e-9);
    ck_assert(info->cpu_s < 0);
    ck_assert_int_eq(info->state, 0);
    ck_assert_int_eq(info->tid, 0);
    ck_assert_uint_eq(info->created_by, 0);
    ck_assert_str_eq(info->name, "");
}
END_TEST

START_TEST(without_an_end_ages_are_unknown)
{
    add_thread(site_at(0x100), ALIVE);
    const struct thread_info *info = the_thread(build(&(struct process_end){.alive = false}));
    ck_assert(info->age_s < 0 && info->cpu_s < 0 && info->ended_s < 0);
}
END_TEST

START_TEST(created_after_the_end_is_no_age_below_zero)
{
    fake_thread(fake,
                &(struct fake_thread){.site = site_at(0x100), .state = ALIVE, .created_ns = 11 * SECOND});
    ck_assert(the_thread(build_exit())->age_s == 0);
}
END_TEST

START_TEST(a_name_without_its_end)
{
    uint32_t index = add_thread(site_at(0x100), ALIVE);
    memset((void *)fake_slot(fake, index)->name, 'x', 16);
    fake_slot(fake, index)->name_seq = 2;
    ck_assert_str_eq(the_thread(build_exit())->name, "xxxxxxxxxxxxxxx");
}
END_TEST

START_TEST(a_name_half_written_is_unknown)
{
    uint32_t index =
        fake_thread(fake, &(struct fake_thread){.site = site_at(0x100), .state = ALIVE, .name = "half"});
    fake_slot(fake, index)->name_seq = 3;
    ck_assert_str_eq(the_thread(build_exit())->name, "");
}
END_TEST

/* ---- processes --------------------------------------------------------------------------------------- */

START_TEST(who_it_was)
{
    fake_argv(fake, (const char *const[]){"./app", "-v", "", "x y", NULL});
    add_thread(site_at(0x100), ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_int_eq(process->pid, 4242);
    ck_assert_int_eq(process->parent_pid, 4241);
    ck_assert_str_eq(process->exe, "/nonexistent/app");
    static const char *const expected[] = {"./app", "-v", "", "x y"};
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(process->argv[i], expected[i]);
    ck_assert_ptr_null(process->argv[4]);
}
END_TEST

START_TEST(nothing_known_is_null)
{
    fake_header(fake)->exe = 0;
    add_thread(site_at(0x100), ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_ptr_null(process->exe);
    ck_assert_ptr_null(process->argv);
}
END_TEST

START_TEST(more_arguments_than_there_are)
{
    fake_argv(fake, (const char *const[]){"./app", NULL});
    fake_header(fake)->argc = UINT32_MAX;
    add_thread(site_at(0x100), ALIVE);
    ck_assert_str_eq(build_exit()->argv[0], "./app");
}
END_TEST

START_TEST(without_threads_it_is_only_counted)
{
    ck_assert_ptr_null(build_exit());
    ck_assert_uint_eq(leak_report->summary.processes, 1);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 0);
}
END_TEST

START_TEST(lost_threads_are_reported)
{
    fake_header(fake)->lost_events = 12;
    const struct process_report *process = build_exit();
    ck_assert_ptr_nonnull(process);
    ck_assert_uint_eq(process->counts.lost, 12);
    ck_assert_uint_eq(process->counts.created, 0);
}
END_TEST

START_TEST(several_processes_add_up)
{
    add_thread(site_at(0x100), ALIVE);
    add_thread(site_at(0x100), ENDED);
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    add(&(struct process_end){.known = true, .wait_status = EXITED(0)});
    fake_header(fake)->pid = 4243;
    fake_header(fake)->end = LEDGER_END_EXEC; /* goes on to another program */
    fake_header(fake)->end_judged = false;
    add(&(struct process_end){.known = true, .wait_status = EXITED(0)});
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    add(&(struct process_end){.known = true, .wait_status = EXITED(0)});
    ck_assert_uint_eq(leak_report->summary.processes, 2);
    fake_header(fake)->end_judged = false;
    add(&(struct process_end){.known = true, .wait_status = EXITED(0)}); /* its pid once more */
    report_finish(leak_report);
    ck_assert_uint_eq(leak_report->process_count, 4);
    ck_assert_uint_eq(leak_report->summary.processes, 3);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 4);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 2);
}
END_TEST

START_TEST(what_the_process_counted)
{
    uint32_t one = site_at(0x100);
    add_thread(one, ALIVE | SLOT_DETACHED);
    add_thread(0, ALIVE);
    add_thread(one, ENDED);
    fake_joined(fake, one, 5, fake_pc(app, 0x700));
    fake_header(fake)->peak = 3;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.created, 8); /* site 0 among them */
    ck_assert_uint_eq(process->counts.joined, 5);
    ck_assert_uint_eq(process->counts.detached, 1);
    ck_assert_uint_eq(process->counts.alive, 2);
    ck_assert_uint_eq(process->counts.unjoined, 1);
    ck_assert_uint_eq(process->counts.peak, 3);
}
END_TEST

START_TEST(a_site_that_is_none)
{
    uint32_t index = add_thread(site_at(0x100), ALIVE);
    fake_slot(fake, index)->site = 0x7fffffff;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->groups[0].stack_count, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak_process");
    tcase_add_checked_fixture(tests, leak_setup, leak_teardown);
    tcase_add_test(tests, what_was_read_at_the_end);
    tcase_add_test(tests, a_finished_thread_has_no_state);
    tcase_add_test(tests, without_an_end_ages_are_unknown);
    tcase_add_test(tests, created_after_the_end_is_no_age_below_zero);
    tcase_add_test(tests, a_name_without_its_end);
    tcase_add_test(tests, a_name_half_written_is_unknown);
    tcase_add_test(tests, who_it_was);
    tcase_add_test(tests, nothing_known_is_null);
    tcase_add_test(tests, more_arguments_than_there_are);
    tcase_add_test(tests, without_threads_it_is_only_counted);
    tcase_add_test(tests, lost_threads_are_reported);
    tcase_add_test(tests, several_processes_add_up);
    tcase_add_test(tests, what_the_process_counted);
    tcase_add_test(tests, a_site_that_is_none);
    return suite_run("leak_process", tests);
}
