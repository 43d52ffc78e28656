/* Threads whose creation was not seen, lives of all threads, and live processes, from made-up evidence. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

/* ---- untracked ---------------------------------------------------------------------------------------- */

START_TEST(untracked_at_the_end)
{
    add_thread(site_at(0x100), ALIVE);
    for (int i = 0; i < LEDGER_UNTRACKED_MAX + 3; i++)
        fake_untracked(fake, 100 + i, "iou-wrk-1");
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.untracked, LEDGER_UNTRACKED_MAX + 3);
    ck_assert_uint_eq(process->untracked_count, LEDGER_UNTRACKED_MAX);
    ck_assert_int_eq(process->untracked[1].tid, 101);
    ck_assert_str_eq(process->untracked[1].name, "iou-wrk-1");
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 1);
}
END_TEST

/* One that began after that list, and one that never did: the youngest, which comes last. */
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

START_TEST(untracked_were_not_listed_at_the_end)
{
    add_thread(site_at(0x100), ALIVE);
    fake_untracked(fake, 100, "x");
    const struct process_report *process = build(&(struct process_end){.alive = false});
    ck_assert_uint_eq(process->counts.untracked, 0);
    ck_assert_uint_eq(process->untracked_count, 0);
}
END_TEST

/* ---- lives ---------------------------------------------------------------------------------------- */

static bool is_at(double seconds, double wanted)
{
    return fabs(seconds - wanted) < 1e-9;
}

START_TEST(lives_of_all_that_are_recorded)
{
    uint32_t site = site_at(0x100), indexes[3];
    uint64_t began = fake_header(fake)->started_ns = SECOND;
    indexes[0] =
        fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE, .created_ns = 2 * SECOND});
    indexes[1] = fake_thread(fake, &(struct fake_thread){.site = site,
                                                         .state = ENDED,
                                                         .created_ns = 3 * SECOND,
                                                         .ended_ns = 4 * SECOND,
                                                         .name = "unjoined"});
    indexes[2] = fake_thread(fake, &(struct fake_thread){.site = site,
                                                         .state = ENDED | SLOT_JOINED,
                                                         .created_ns = 5 * SECOND,
                                                         .ended_ns = 6 * SECOND,
                                                         .name = "joined"});
    struct ledger_slot *past = fake_slot(fake, indexes[2]);
    past->joined_ns = 7 * SECOND;
    past->arg = past->serial;
    past->serial = 0;
    const struct process_report *process = build_exit(); /* at 10 s */
    ck_assert_uint_eq(process->life_count, 3);
    const struct thread_life *lives = process->lives;
    ck_assert(is_at(process->moment_s, 9) && began);
    ck_assert(is_at(lives[0].created_s, 1) && lives[0].ended_s < 0 && !lives[0].ended &&
              lives[0].joined_s < 0);
    ck_assert(is_at(lives[1].created_s, 2) && is_at(lives[1].ended_s, 3) && lives[1].ended &&
              !lives[1].joined);
    ck_assert(lives[2].joined && is_at(lives[2].ended_s, 5) && is_at(lives[2].joined_s, 6));
    ck_assert_str_eq(lives[2].name, "joined");
    ck_assert_uint_eq(lives[2].id, past->arg);
}
END_TEST

START_TEST(a_free_slot_may_have_no_life)
{
    uint32_t site = site_at(0x100);
    fake_thread(fake, &(struct fake_thread){.site = site, .state = ALIVE});
    struct ledger_slot *never = fake_slot(fake, fake_thread(fake, &(struct fake_thread){.site = site}));
    struct ledger_slot *odd =
        fake_slot(fake, fake_thread(fake, &(struct fake_thread){.site = site, .state = ENDED | SLOT_JOINED}));
    never->arg = never->serial;
    odd->arg = UINT64_MAX; /* no thread had it */
    never->serial = odd->serial = 0;
    ck_assert_uint_eq(build_exit()->life_count, 1);
}
END_TEST

/* ---- a live process ------------------------------------------------------------------------ */

/* Thread 77 is in the ledger, task 78 is not. */
static struct evidence live_evidence(void)
{
    const struct task tasks[] = {{.tid = 77, .name = "known", .state = 'S', .cpu_s = 0.5},
                                 {.tid = 78, .name = "unknown", .state = 'R', .cpu_s = 0.25},
                                 {.tid = 4242, .name = "main", .state = 'S', .cpu_s = 1}};
    fake_thread(fake, &(struct fake_thread){.site = site_at(0x100),
                                            .state = ALIVE,
                                            .tid = 77,
                                            .name = "before",
                                            .sample_state = 'Z',
                                            .created_ns = 2 * SECOND});
    struct evidence evidence = made_evidence();
    evidence.end.alive = true;
    evidence.now_ns = 5 * SECOND;
    for (int i = 0; i < 3; i++)
        made_task(&evidence.tasks, &tasks[i]);
    made_task(&evidence.untracked, &tasks[1]);
    return evidence;
}

START_TEST(live_facts_come_from_proc)
{
    struct evidence evidence = live_evidence();
    const struct process_report *process = judge(&evidence);
    ck_assert_int_eq(process->how, END_ALIVE);
    ck_assert(process->live && !process->judged && !process->groups[0].counted);
    const struct thread_info *info = the_thread(process);
    ck_assert_str_eq(info->name, "known");
    ck_assert_int_eq(info->state, 'S');
    ck_assert(fabs(info->cpu_s - 0.5) < 1e-9);
    ck_assert(fabs(info->age_s - 3) < 1e-9);
}
END_TEST

START_TEST(live_main_and_untracked_are_shown)
{
    struct evidence evidence = live_evidence();
    const struct process_report *process = judge(&evidence);
    ck_assert_str_eq(process->main->name, "main");
    ck_assert_uint_eq(process->main->id, LEDGER_MAIN_SERIAL);
    ck_assert(fabs(process->main->age_s - 4) < 1e-9);
    ck_assert_uint_eq(process->counts.untracked, 1);
    ck_assert_uint_eq(process->untracked_count, 1);
    ck_assert_int_eq(process->untracked[0].tid, 78);
    ck_assert_str_eq(process->untracked[0].name, "unknown");
    ck_assert_int_eq(process->untracked[0].state, 'R');
}
END_TEST

START_TEST(in_its_exit_it_is_judged)
{
    fake_end(fake, LEDGER_END_EXIT, 5, true);
    struct evidence evidence = live_evidence();
    const struct process_report *process = judge(&evidence);
    ck_assert_int_eq(process->how, END_EXIT);
    ck_assert(process->live && process->judged && process->groups[0].counted);
    ck_assert_int_eq(process->status, 5);
    ck_assert_str_eq(the_thread(process)->name, "known");
    ck_assert_ptr_null(process->main);
}
END_TEST

START_TEST(without_tasks_the_ledger_names_threads)
{
    fake_thread(fake,
                &(struct fake_thread){.site = site_at(0x100), .state = ALIVE, .tid = 77, .name = "inside"});
    const struct process_report *process = build(&(struct process_end){.alive = true});
    ck_assert_str_eq(the_thread(process)->name, "inside");
    ck_assert_int_eq(the_thread(process)->state, 0);
    ck_assert_uint_eq(process->counts.untracked, 0);
    ck_assert_ptr_null(process->main);
}
END_TEST

/* ---- a process that was not watched ----------------------------------------------------------- */

START_TEST(not_watched_all_but_the_main_thread_are_untracked)
{
    struct error error = {""};
    struct evidence evidence = {.pid = 78, .end.alive = true};
    const struct task tasks[] = {{.tid = 77, .name = "one", .state = 'S'}, {.tid = 78, .name = "main"}};
    made_task(&evidence.tasks, &tasks[0]);
    made_task(&evidence.tasks, &tasks[1]);
    made_task(&evidence.untracked, &tasks[0]);
    rules.judge_live = true;
    ck_assert(report_add(leak_report, &evidence, &rules, &error));
    report_finish(leak_report);
    const struct process_report *process = &leak_report->processes[0];
    ck_assert(!process->watched && !process->judged && process->live);
    ck_assert_int_eq(process->how, END_ALIVE);
    ck_assert_str_eq(process->main->name, "main");
    ck_assert_uint_eq(process->main->id, 0);
    ck_assert_uint_eq(process->untracked_count, 1);
    ck_assert_str_eq(process->untracked[0].name, "one");
    ck_assert_uint_eq(leak_report->summary.processes, 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak_untracked");
    tcase_add_checked_fixture(tests, leak_setup, leak_teardown);
    tcase_add_test(tests, untracked_at_the_end);
    tcase_add_test(tests, not_begun_at_the_end_is_not_untracked);
    tcase_add_test(tests, not_begun_among_more_than_are_listed);
    tcase_add_test(tests, untracked_were_not_listed_at_the_end);
    tcase_add_test(tests, lives_of_all_that_are_recorded);
    tcase_add_test(tests, a_free_slot_may_have_no_life);
    tcase_add_test(tests, live_facts_come_from_proc);
    tcase_add_test(tests, live_main_and_untracked_are_shown);
    tcase_add_test(tests, in_its_exit_it_is_judged);
    tcase_add_test(tests, without_tasks_the_ledger_names_threads);
    tcase_add_test(tests, not_watched_all_but_the_main_thread_are_untracked);
    return suite_run("leak_untracked", tests);
}
