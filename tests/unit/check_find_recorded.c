/* Findings over made-up ledgers. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

static const struct process_report *build_alive(void)
{
    return build(&(struct process_end){.alive = true});
}

/* ---- join-skipped ------------------------------------------------------------------ */

START_TEST(others_were_joined)
{
    uint32_t site = site_at(0x10);
    fake_joined(fake, site, 4, pc_in(first_user_function));
    add_thread(site, ENDED);
    const struct finding *finding = only_finding(build_exit(), FINDING_JOIN_SKIPPED);
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(finding->text, "4 of 5 threads that app+0x10 created were joined at "));
    ck_assert_ptr_nonnull(strstr(finding->text, "; T6 was not"));
    ck_assert_uint_eq(finding->thread_count, 1);
    ck_assert_uint_eq(finding->threads[0].id, 6);
}
END_TEST

START_TEST(two_records_of_one_place)
{
    uint32_t site = site_at(0x10), same = site_at(0x10);
    fake_joined(fake, site, 4, pc_in(first_user_function));
    fake_joined(fake, same, 2, pc_in(first_user_function));
    add_thread(same, ALIVE);
    ck_assert_ptr_nonnull(strstr(only_finding(build_exit(), FINDING_JOIN_SKIPPED)->text, "6 of 7 threads"));
}
END_TEST

START_TEST(nobody_was_joined)
{
    add_thread(site_at(0x10), ENDED);
    fake_joined(fake, site_at(0x20), 3, pc_in(first_user_function));
    no_finding(build_exit());
}
END_TEST

START_TEST(a_join_of_another_one_is_under_way)
{
    uint32_t site = site_at(0x10);
    fake_joined(fake, site, 4, pc_in(first_user_function));
    add_thread(site, ENDED);
    add_thread(site, ALIVE | SLOT_JOINING);
    no_finding(build_exit());
}
END_TEST

/* One loop joins the threads that two callers of a function created, by turns. */
START_TEST(a_join_of_one_of_another_caller_is_under_way)
{
    uint32_t site = site_at(0x10);
    uint32_t other = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x10), fake_pc(app, 0x800)}, 2);
    fake_joined(fake, site, 1, pc_in(first_user_function));
    add_thread(site, ALIVE);
    add_thread(other, ALIVE | SLOT_JOINING);
    no_finding(build_exit());
}
END_TEST

START_TEST(detached_ones_are_not_joined)
{
    uint32_t site = site_at(0x10);
    fake_joined(fake, site, 4, pc_in(first_user_function));
    add_thread(site, ALIVE | SLOT_DETACHED);
    no_finding(build_exit());
}
END_TEST

START_TEST(the_thread_that_ends_the_process)
{
    uint32_t site = site_at(0x10);
    fake_joined(fake, site, 4, pc_in(first_user_function));
    add_thread(site, ALIVE);
    fake_header(fake)->end_serial = 6;
    no_finding(build_exit());
}
END_TEST

START_TEST(unknown_places_are_many)
{
    fake_joined(fake, 0, 4, pc_in(first_user_function));
    add_thread(0, ENDED);
    no_finding(build_exit());
}
END_TEST

START_TEST(a_live_one_may_still_be_joined)
{
    uint32_t site = site_at(0x10);
    fake_joined(fake, site, 4, pc_in(first_user_function));
    add_thread(site, ALIVE);
    no_finding(build_alive());
}
END_TEST

START_TEST(a_finished_one_of_a_live_process_is_a_note)
{
    uint32_t site = site_at(0x10);
    fake_joined(fake, site, 4, pc_in(first_user_function));
    add_thread(site, ENDED);
    ck_assert_int_eq(only_finding(build_alive(), FINDING_JOIN_SKIPPED)->level, FINDING_NOTE);
}
END_TEST

/* ---- create-failed ------------------------------------------------------------------- */

START_TEST(failures_by_place_and_error)
{
    add_thread(site_at(0x99), ALIVE);
    uint32_t site = site_at(0x10), same = site_at(0x10), other = site_at(0x20);
    fake_site_at(fake, site)->failed[FAIL_EAGAIN] = 2;
    fake_site_at(fake, same)->failed[FAIL_EAGAIN] = 1;
    fake_site_at(fake, other)->failed[FAIL_EPERM] = 1;
    fake_header(fake)->failure =
        (struct ledger_failure){.seq = 2, .error = FAIL_EAGAIN, .site = same, .threads = 7, .unjoined = 5};
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->findings.count, 2);
    const struct finding *finding = process->findings.items;
    ck_assert_int_eq(finding[0].code, FINDING_CREATE_FAILED);
    ck_assert_int_eq(finding[0].level, FINDING_NOTE);
    ck_assert_str_eq(finding[0].text, "1 creation of a thread failed with EPERM at app+0x20");
    ck_assert_str_eq(finding[1].text,
                     "3 creations of a thread failed with EAGAIN at app+0x10; the process had "
                     "7 threads then, and 5 finished but not joined");
    ck_assert_ptr_null(process->findings.verdict);
}
END_TEST

START_TEST(a_failure_that_is_being_written)
{
    add_thread(site_at(0x99), ALIVE);
    uint32_t site = site_at(0x10);
    fake_site_at(fake, site)->failed[FAIL_EAGAIN] = 1;
    fake_header(fake)->failure =
        (struct ledger_failure){.seq = 3, .error = FAIL_EAGAIN, .site = site, .threads = 7};
    ck_assert_str_eq(only_finding(build_exit(), FINDING_CREATE_FAILED)->text,
                     "1 creation of a thread failed with EAGAIN at app+0x10");
}
END_TEST

/* ---- crashed-in-end ------------------------------------------------------------------- */

START_TEST(a_fault_in_the_end)
{
    uint32_t index = add_thread(site_at(0x10), ALIVE);
    fake_slot(fake, index)->fault_signal = SIGBUS;
    fake_slot(fake, index)->fault_pc = fake_pc(lib, 0x44);
    const struct process_report *process = build_exit();
    const struct finding *finding = only_finding(process, FINDING_CRASHED_IN_END);
    ck_assert_str_eq(finding->text, "T2 took SIGBUS at libpool.so+0x44 after the end of the program began");
    ck_assert_str_eq(process->findings.verdict,
                     "CRASHED: T2 took SIGBUS at libpool.so+0x44 after the end of the "
                     "program began: crashed-in-end");
    ck_assert_uint_eq(finding->fact_count, 2);
}
END_TEST

START_TEST(a_fault_of_the_main_thread)
{
    add_thread(site_at(0x10), ALIVE);
    fake_header(fake)->fault =
        (struct ledger_fault){.signal = SIGSEGV, .tid = fake_header(fake)->pid, .pc = fake_pc(app, 0x44)};
    const struct finding *finding = only_finding(build_exit(), FINDING_CRASHED_IN_END);
    ck_assert_uint_eq(finding->threads[0].id, LEDGER_MAIN_SERIAL);
}
END_TEST

START_TEST(a_signal_that_is_no_fault)
{
    fake_slot(fake, add_thread(site_at(0x10), ALIVE))->fault_signal = SIGCHLD;
    no_finding(build_exit());
}
END_TEST

/* ---- misuse ------------------------------------------------------------------------------ */

static struct ledger_misuse *add_misuse(enum ledger_misuse_kind kind, uint32_t site, uint32_t state)
{
    struct ledger_misuse *misuse = &fake_header(fake)->misuses[0];
    *misuse = (struct ledger_misuse){.kind = kind,
                                     .count = 1,
                                     .raw = 1,
                                     .at = pc_in(first_user_function),
                                     .serial = 2,
                                     .by = 1,
                                     .site = site,
                                     .state = state};
    return misuse;
}

START_TEST(joined_though_detached)
{
    add_thread(site_at(0x99), ALIVE);
    uint32_t site = site_at(0x10);
    fake_site_at(fake, site)->detach_pc = pc_in(second_user_function);
    add_misuse(MISUSE_JOIN_DETACHED, site, ALIVE | SLOT_DETACHED)->count = 3;
    const struct finding *finding = only_finding(build_exit(), FINDING_MISUSE);
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_ptr_nonnull(strstr(finding->text, "T2 is joined at "));
    ck_assert_ptr_nonnull(strstr(finding->text, ", but it is detached: the call fails"));
    ck_assert_uint_eq(finding->fact_count, 3);
    ck_assert_str_eq(finding->facts[0].text,
                     "T2 is joined by T1, but it is detached: the call fails, 3 times");
    ck_assert_str_eq(finding->facts[0].at->function, "first_user_function");
    ck_assert_str_eq(finding->facts[1].at->function, "second_user_function");
}
END_TEST

START_TEST(created_detached)
{
    add_thread(site_at(0x99), ALIVE);
    add_misuse(MISUSE_DETACH_DETACHED, site_at(0x10), ALIVE | SLOT_DETACHED);
    ck_assert_str_eq(only_finding(build_exit(), FINDING_MISUSE)->facts[1].text, "it was created detached");
}
END_TEST

START_TEST(joined_twice_by_unknown_threads)
{
    add_thread(site_at(0x99), ALIVE);
    uint32_t site = site_at(0x10);
    fake_joined(fake, site, 1, pc_in(second_user_function));
    struct ledger_misuse *misuse = add_misuse(MISUSE_JOIN_OVER, site, ENDED | SLOT_JOINED);
    misuse->serial = misuse->by = 0;
    const struct finding *finding = only_finding(build_exit(), FINDING_MISUSE);
    ck_assert_ptr_nonnull(strstr(finding->text, "a thread is joined at "));
    ck_assert_uint_eq(finding->thread_count, 0);
    ck_assert_str_eq(finding->facts[1].text, "threads of its creation site were joined");
}
END_TEST

START_TEST(a_damaged_kind)
{
    add_thread(site_at(0x10), ALIVE);
    add_misuse(MISUSE_KINDS, 77777, ALIVE);
    no_finding(build_exit());
}
END_TEST

START_TEST(a_damaged_site)
{
    add_thread(site_at(0x10), ALIVE);
    add_misuse(MISUSE_JOIN_SELF, 77777, ALIVE);
    ck_assert_uint_eq(only_finding(build_exit(), FINDING_MISUSE)->fact_count, 1);
}
END_TEST

/* ---- dead-argument ---------------------------------------------------------------------- */

#define HANDLE UINT64_C(0x7f0001000000)

/* A live thread, whose creator is T2, with an argument that is this far below the handle of the creator. */
static void created_by_the_second(uint32_t state, uint64_t below)
{
    uint32_t site = site_at(0x10), creator = add_thread(site, state);
    uint32_t created = add_thread(site_at(0x20), ALIVE);
    fake_slot(fake, creator)->handle = HANDLE;
    fake_slot(fake, created)->handle = HANDLE - 0x10000;
    fake_slot(fake, created)->created_by = fake_slot(fake, creator)->serial;
    fake_slot(fake, created)->arg = HANDLE - below;
}

START_TEST(an_argument_on_the_stack_of_an_ended_thread)
{
    created_by_the_second(ENDED, 0x100);
    const struct finding *finding = only_finding(build_exit(), FINDING_DEAD_ARGUMENT);
    ck_assert_int_eq(finding->level, FINDING_NOTE);
    ck_assert_str_eq(finding->text,
                     "T3 got a pointer as its argument to a variable of a thread that has ended, "
                     "on the stack of T2");
    ck_assert_str_eq(finding->facts[1].text, "T2 created it");
}
END_TEST

START_TEST(no_argument_on_the_stack_of_an_ended_thread)
{
    static const struct {
        uint32_t state;
        uint64_t below;
    } cases[] = {{ALIVE, 0x100},
                 {ENDED | SLOT_JOINED, 0x100},
                 {ENDED | SLOT_DETACHED, 0x100},
                 {ENDED, 0},
                 {ENDED, 0x20000},
                 {ENDED, 9 << 20}};
    created_by_the_second(cases[_i].state, cases[_i].below);
    no_finding(build_exit());
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("find_recorded");
    tcase_add_checked_fixture(tests, find_setup, leak_teardown);
    tcase_add_test(tests, others_were_joined);
    tcase_add_test(tests, two_records_of_one_place);
    tcase_add_test(tests, nobody_was_joined);
    tcase_add_test(tests, a_join_of_another_one_is_under_way);
    tcase_add_test(tests, a_join_of_one_of_another_caller_is_under_way);
    tcase_add_test(tests, detached_ones_are_not_joined);
    tcase_add_test(tests, the_thread_that_ends_the_process);
    tcase_add_test(tests, unknown_places_are_many);
    tcase_add_test(tests, a_live_one_may_still_be_joined);
    tcase_add_test(tests, a_finished_one_of_a_live_process_is_a_note);
    tcase_add_test(tests, failures_by_place_and_error);
    tcase_add_test(tests, a_failure_that_is_being_written);
    tcase_add_test(tests, a_fault_in_the_end);
    tcase_add_test(tests, a_fault_of_the_main_thread);
    tcase_add_test(tests, a_signal_that_is_no_fault);
    tcase_add_test(tests, joined_though_detached);
    tcase_add_test(tests, created_detached);
    tcase_add_test(tests, joined_twice_by_unknown_threads);
    tcase_add_test(tests, a_damaged_kind);
    tcase_add_test(tests, a_damaged_site);
    tcase_add_test(tests, an_argument_on_the_stack_of_an_ended_thread);
    tcase_add_loop_test(tests, no_argument_on_the_stack_of_an_ended_thread, 0, 6);
    return suite_run("find_recorded", tests);
}
