/* What a report has of threads and processes, dead and alive. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "leak_made.h"
#include "suite.h"

/* ---- threads -------------------------------------------------------------------------------------- */

static const struct thread_info *the_thread(const struct process_report *process)
{
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 1);
    return &process->groups[0].threads[0];
}

START_TEST(what_the_last_look_saw)
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
    thread(site_at(0x100), ALIVE);
    const struct thread_info *info = the_thread(build(&(struct known_end){.alive = false}));
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
    uint32_t index = thread(site_at(0x100), ALIVE);
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
    thread(site_at(0x100), ALIVE);
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
    thread(site_at(0x100), ALIVE);
    const struct process_report *process = build_exit();
    ck_assert_ptr_null(process->exe);
    ck_assert_ptr_null(process->argv);
}
END_TEST

START_TEST(more_arguments_than_there_are)
{
    fake_argv(fake, (const char *const[]){"./app", NULL});
    fake_header(fake)->argc = UINT32_MAX;
    thread(site_at(0x100), ALIVE);
    ck_assert_str_eq(build_exit()->argv[0], "./app");
}
END_TEST

START_TEST(without_threads_it_is_only_counted)
{
    ck_assert_ptr_null(build_exit());
    ck_assert_uint_eq(report->summary.processes, 1);
    ck_assert_uint_eq(report->summary.leaked_threads, 0);
}
END_TEST

START_TEST(lost_threads_are_told)
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
    thread(site_at(0x100), ALIVE);
    thread(site_at(0x100), ENDED);
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    add(&(struct known_end){.known = true, .wait_status = EXITED(0)});
    fake_header(fake)->pid = 4243;
    fake_header(fake)->end = LEDGER_END_EXEC; /* goes on to another program */
    fake_header(fake)->end_judged = false;
    add(&(struct known_end){.known = true, .wait_status = EXITED(0)});
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    add(&(struct known_end){.known = true, .wait_status = EXITED(0)});
    ck_assert_uint_eq(report->summary.processes, 2);
    fake_header(fake)->end_judged = false;
    add(&(struct known_end){.known = true, .wait_status = EXITED(0)}); /* its pid once more */
    report_finish(report);
    ck_assert_uint_eq(report->process_count, 4);
    ck_assert_uint_eq(report->summary.processes, 3);
    ck_assert_uint_eq(report->summary.leaked_threads, 4);
    ck_assert_uint_eq(report->summary.leak_sites, 2);
}
END_TEST

START_TEST(what_the_process_counted)
{
    uint32_t one = site_at(0x100);
    thread(one, ALIVE | SLOT_DETACHED);
    thread(0, ALIVE);
    thread(one, ENDED);
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
    uint32_t index = thread(site_at(0x100), ALIVE);
    fake_slot(fake, index)->site = 0x7fffffff;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->groups[0].stack_count, 0);
}
END_TEST

/* ---- untracked ---------------------------------------------------------------------------------------- */

START_TEST(untracked_at_the_end)
{
    thread(site_at(0x100), ALIVE);
    for (int i = 0; i < LEDGER_UNTRACKED_MAX + 3; i++)
        fake_untracked(fake, 100 + i, "iou-wrk-1");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.untracked, LEDGER_UNTRACKED_MAX + 3);
    ck_assert_uint_eq(process->untracked_count, LEDGER_UNTRACKED_MAX);
    ck_assert_int_eq(process->untracked[1].tid, 101);
    ck_assert_str_eq(process->untracked[1].name, "iou-wrk-1");
    ck_assert_uint_eq(report->summary.leaked_threads, 1);
}
END_TEST

/* One that began after that look, and one that never did: the youngest, which stands last. */
START_TEST(not_begun_at_the_end_is_not_untracked)
{
    uint32_t site = site_at(0x100);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .tid = 102});
    fake_thread(fake, &(struct fake_thread){.site = site, .state = SLOT_DETACHED});
    for (int i = 0; i < 4; i++)
        fake_untracked(fake, 100 + i, "x");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.untracked, 2);
    ck_assert_uint_eq(process->untracked_count, 2);
    ck_assert_int_eq(process->untracked[0].tid, 100);
    ck_assert_int_eq(process->untracked[1].tid, 101);
}
END_TEST

START_TEST(not_begun_among_more_than_are_listed)
{
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100)});
    for (int i = 0; i < LEDGER_UNTRACKED_MAX + 3; i++)
        fake_untracked(fake, 100 + i, "iou-wrk-1");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.untracked, LEDGER_UNTRACKED_MAX + 2);
    ck_assert_uint_eq(process->untracked_count, LEDGER_UNTRACKED_MAX);
}
END_TEST

START_TEST(nobody_looked_for_untracked_ones)
{
    thread(site_at(0x100), ALIVE);
    fake_untracked(fake, 100, "x");
    const struct process_report *process = build(&(struct known_end){.alive = false});
    ck_assert_uint_eq(process->counts.untracked, 0);
    ck_assert_uint_eq(process->untracked_count, 0);
}
END_TEST

/* ---- a live process: this one ------------------------------------------------------------- */

static _Atomic pid_t helper_tids[2];

static void *helper(void *which)
{
    pthread_setname_np(pthread_self(), which ? "stranger" : "known");
    helper_tids[which != NULL] = (pid_t)syscall(SYS_gettid);
    for (;;)
        pause();
    return NULL;
}

static void start_helpers(void)
{
    pthread_t handle;
    for (intptr_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&handle, NULL, helper, (void *)i), 0);
        while (!helper_tids[i])
            sched_yield();
    }
}

/* The ledger becomes that of this process, as the shim would have it. */
static void map_ledger(void)
{
    size_t size;
    const unsigned char *bytes = fake_bytes(fake, &size);
    int fd = memfd_create(LEDGER_MEMFD_NAME, MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    ck_assert_ptr_ne(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    close(fd);
}

static const struct process_report *build_live(void)
{
    struct timespec now;
    struct ledger *ledger = NULL;
    struct error error = {""};
    start_helpers();
    clock_gettime(CLOCK_MONOTONIC, &now);
    fake_header(fake)->pid = getpid();
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ALIVE,
                                            .tid = helper_tids[0],
                                            .name = "before",
                                            .sample_state = 'Z',
                                            .created_ns = (uint64_t)now.tv_sec * SECOND});
    map_ledger();
    ck_assert_msg(ledger_open_process(getpid(), &ledger, &error) == LEDGER_OPEN_OK, "%s", error.text);
    const struct known_end end = {.alive = true, .pid = getpid()};
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    report_finish(report);
    return &report->processes[0];
}

START_TEST(live_facts_come_from_proc)
{
    const struct process_report *process = build_live();
    ck_assert_int_eq(process->how, END_ALIVE);
    ck_assert(process->live && !process->judged && !process->groups[0].counted);
    const struct thread_info *info = the_thread(process);
    ck_assert_str_eq(info->name, "known");
    ck_assert(info->state == 'S' || info->state == 'R');
    ck_assert(info->cpu_s >= 0 && info->cpu_s < 60);
    ck_assert(info->age_s >= 0 && info->age_s < 60);
}
END_TEST

START_TEST(live_untracked_are_found)
{
    const struct process_report *process = build_live();
    ck_assert_uint_eq(process->counts.untracked, 1);
    ck_assert_uint_eq(process->untracked_count, 1);
    ck_assert_int_eq(process->untracked[0].tid, helper_tids[1]);
    ck_assert_str_eq(process->untracked[0].name, "stranger");
}
END_TEST

/* Created, and without a tid: the youngest of the two that are in /proc alone is left out. */
START_TEST(live_and_not_begun_is_told_once)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_header(fake)->pid = getpid();
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100)});
    map_ledger();
    struct ledger *ledger = fake_open(fake);
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    ck_assert_uint_eq(report->processes[0].groups[0].thread_count, 1);
    ck_assert_int_eq(the_thread(&report->processes[0])->tid, 0);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 1);
    ck_assert_int_eq(report->processes[0].untracked[0].tid, helper_tids[0]);
}
END_TEST

/* It is in the ledger only by the time of the second look. */
START_TEST(one_that_began_meanwhile_is_not_untracked)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_header(fake)->pid = getpid();
    uint32_t site = site_at(0x100);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .tid = helper_tids[0]});
    struct ledger *before = fake_open(fake);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .tid = helper_tids[1]});
    map_ledger();
    ck_assert(report_add_ledger(report, before, &end, &rules, &error));
    ledger_close(before);
    ck_assert_uint_eq(report->processes[0].groups[0].thread_count, 1);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 0);
}
END_TEST

START_TEST(the_thread_that_runs_exit_is_not_untracked)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    fake_header(fake)->pid = getpid();
    fake_header(fake)->end_tid = helper_tids[1]; /* its slot is gone */
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100), .state = ALIVE, .tid = helper_tids[0]});
    map_ledger();
    struct ledger *ledger = fake_open(fake);
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 0);
}
END_TEST

/* Not to be looked at again: nobody is accused. */
START_TEST(what_cannot_be_looked_at_again_is_not_untracked)
{
    struct error error = {""};
    const struct known_end end = {.alive = true, .pid = getpid()};
    start_helpers();
    fake_header(fake)->pid = getpid();
    thread(site_at(0x100), ALIVE);
    struct ledger *ledger = fake_open(fake);
    ck_assert(report_add_ledger(report, ledger, &end, &rules, &error));
    ledger_close(ledger);
    ck_assert_uint_eq(report->processes[0].counts.untracked, 0);
}
END_TEST

START_TEST(in_its_exit_it_is_judged_and_looked_at)
{
    fake_end(fake, LEDGER_END_EXIT, 5, true);
    const struct process_report *process = build_live();
    ck_assert_int_eq(process->how, END_EXIT);
    ck_assert(process->live && process->judged && process->groups[0].counted);
    ck_assert_int_eq(process->status, 5);
    const struct thread_info *info = the_thread(process);
    ck_assert_str_eq(info->name, "known");
    ck_assert(info->age_s >= 0 && info->age_s < 60); /* not as of the end that was made up */
}
END_TEST

START_TEST(another_pid_namespace_has_other_tids)
{
    fake_thread(fake, &(struct fake_thread){
                          .site = site_at(0x100), .state = ALIVE, .tid = getpid(), .name = "inside"});
    fake_header(fake)->pid = 7;
    const struct process_report *process = build(&(struct known_end){.alive = true, .pid = getpid()});
    ck_assert_int_eq(process->pid, getpid());
    ck_assert_str_eq(the_thread(process)->name, "inside");
    ck_assert_int_eq(the_thread(process)->state, 0);
    ck_assert_uint_eq(process->counts.untracked, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak_process");
    tcase_add_checked_fixture(tests, leak_setup, leak_teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_the_last_look_saw);
    tcase_add_test(tests, a_finished_thread_has_no_state);
    tcase_add_test(tests, without_an_end_ages_are_unknown);
    tcase_add_test(tests, created_after_the_end_is_no_age_below_zero);
    tcase_add_test(tests, a_name_without_its_end);
    tcase_add_test(tests, a_name_half_written_is_unknown);
    tcase_add_test(tests, who_it_was);
    tcase_add_test(tests, nothing_known_is_null);
    tcase_add_test(tests, more_arguments_than_there_are);
    tcase_add_test(tests, without_threads_it_is_only_counted);
    tcase_add_test(tests, lost_threads_are_told);
    tcase_add_test(tests, several_processes_add_up);
    tcase_add_test(tests, what_the_process_counted);
    tcase_add_test(tests, a_site_that_is_none);
    tcase_add_test(tests, untracked_at_the_end);
    tcase_add_test(tests, not_begun_at_the_end_is_not_untracked);
    tcase_add_test(tests, not_begun_among_more_than_are_listed);
    tcase_add_test(tests, nobody_looked_for_untracked_ones);
    tcase_add_test(tests, live_facts_come_from_proc);
    tcase_add_test(tests, live_untracked_are_found);
    tcase_add_test(tests, live_and_not_begun_is_told_once);
    tcase_add_test(tests, one_that_began_meanwhile_is_not_untracked);
    tcase_add_test(tests, the_thread_that_runs_exit_is_not_untracked);
    tcase_add_test(tests, what_cannot_be_looked_at_again_is_not_untracked);
    tcase_add_test(tests, in_its_exit_it_is_judged_and_looked_at);
    tcase_add_test(tests, another_pid_namespace_has_other_tids);
    return suite_run("leak_process", tests);
}
