/* The verdict: from made-up ledgers to what counts in a report. */
#include <signal.h>
#include <stdlib.h>

#include "leak_made.h"
#include "suite.h"

/* ---- kinds ---------------------------------------------------------------------------- */

static const struct {
    uint32_t state;
    int kind; /* -1: nothing is left of it */
} states[] = {
    {0, LEAK_RUNNING}, /* created, and not begun to run */
    {ALIVE, LEAK_RUNNING},
    {ALIVE | SLOT_JOINING, LEAK_RUNNING},
    {ALIVE | SLOT_SMALL_STACK, LEAK_RUNNING},
    {ALIVE | SLOT_DETACHED, LEAK_DETACHED},
    {SLOT_DETACHED, LEAK_DETACHED},
    {ENDED, LEAK_UNJOINED},
    {ENDED | SLOT_JOINING, LEAK_UNJOINED},
    {ENDED | SLOT_JOINED, -1},
    {ENDED | SLOT_JOINING | SLOT_JOINED, -1},
    {ENDED | SLOT_DETACHED, -1},
    {ENDED | SLOT_DETACHED | SLOT_JOINING, -1},
};

START_TEST(the_kind_follows_from_the_state)
{
    add_thread(site_at(0x100), states[_i].state);
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->counts.created, 1);
    if (states[_i].kind < 0) {
        ck_assert_uint_eq(process->group_count, 0);
        ck_assert_uint_eq(leak_report->summary.leaked_threads, 0);
        return;
    }
    ck_assert_uint_eq(process->group_count, 1);
    const struct leak_group *group = &process->groups[0];
    ck_assert_int_eq(group->kind, states[_i].kind);
    ck_assert(group->counted);
    ck_assert_uint_eq(group->thread_count, 1);
    ck_assert_uint_eq(group->threads[0].id, 2);
    ck_assert_int_eq(group->threads[0].being_joined, !!(states[_i].state & SLOT_JOINING));
    ck_assert_int_eq(group->site_joining, group->threads[0].being_joined);
    ck_assert_uint_eq(process->counts.alive, states[_i].kind != LEAK_UNJOINED);
    ck_assert_uint_eq(process->counts.unjoined, states[_i].kind == LEAK_UNJOINED);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, 1);
    ck_assert_uint_eq(leak_report->summary.leak_sites, 1);
}
END_TEST

START_TEST(the_thread_that_runs_exit_is_no_leak)
{
    uint32_t site = site_at(0x100);
    add_thread(site, ALIVE);
    add_thread(site, ALIVE);
    fake_header(fake)->end_serial = 3;
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 1);
    ck_assert_uint_eq(process->groups[0].threads[0].id, 2);
    ck_assert_uint_eq(process->counts.alive, 1);
}
END_TEST

START_TEST(before_the_end_nobody_runs_exit)
{
    add_thread(site_at(0x100), ALIVE);
    fake_header(fake)->end_serial = 2; /* written before `end` is */
    const struct process_report *process = build(&(struct process_end){.alive = false});
    ck_assert_uint_eq(process->groups[0].thread_count, 1);
}
END_TEST

/* ---- ends --------------------------------------------------------------------------------- */

static const struct {
    enum ledger_end recorded;
    bool end_judged;
    struct process_end known;
    unsigned judge;
    bool judge_live;
    enum end_how how;
    bool judged;
    int status; /* -1: unknown */
    int signal;
} ends[] = {
    /* What the shim saw, it judged itself. */
    {LEDGER_END_EXIT, true, {.known = true, .wait_status = EXITED(3)}, 0, false, END_EXIT, true, 3, 0},
    {LEDGER_END_EXIT, false, {.known = false}, JUDGE_ALL, true, END_EXIT, false, 3, 0},
    {LEDGER_END_EXIT, true, {.alive = true}, 0, false, END_EXIT, true, 3, 0}, /* waits for its report */
    {LEDGER_END__EXIT, false, {.known = false}, JUDGE_ALL, false, END__EXIT, false, 3, 0},
    {LEDGER_END_QUICK_EXIT, true, {.known = false}, 0, false, END_QUICK_EXIT, true, 3, 0},
    {LEDGER_END_EXEC, true, {.known = true, .wait_status = EXITED(7)}, 0, false, END_EXEC, true, -1, 0},
    /* exitcode= comes after the end was recorded. */
    {LEDGER_END_EXIT, true, {.known = true, .wait_status = EXITED(9)}, 0, false, END_EXIT, true, 9, 0},
    /* It died on the way, after what it left was judged. */
    {LEDGER_END_EXIT,
     true,
     {.known = true, .wait_status = KILLED(SIGABRT)},
     0,
     false,
     END_SIGNAL,
     true,
     -1,
     SIGABRT},
    {LEDGER_END_EXEC,
     false,
     {.known = true, .wait_status = KILLED(SIGABRT)},
     0,
     false,
     END_EXEC,
     false,
     -1,
     0},
    /* What it did not see is judged by the rules. */
    {LEDGER_END_NONE, true, {.known = false}, JUDGE_EXIT, true, END_SIGNAL, false, -1, 0},
    {LEDGER_END_NONE, false, {.known = false}, JUDGE_SIGNAL, false, END_SIGNAL, true, -1, 0},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = KILLED(SIGSEGV)},
     JUDGE_ALL,
     false,
     END_SIGNAL,
     true,
     -1,
     SIGSEGV},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = KILLED(SIGKILL)},
     JUDGE_EXIT,
     false,
     END_SIGNAL,
     false,
     -1,
     SIGKILL},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = EXITED(4)},
     JUDGE__EXIT,
     false,
     END__EXIT,
     true,
     4,
     0},
    {LEDGER_END_NONE,
     false,
     {.known = true, .wait_status = EXITED(4)},
     JUDGE_EXIT,
     false,
     END__EXIT,
     false,
     4,
     0},
    {LEDGER_END_NONE, false, {.alive = true}, JUDGE_ALL, false, END_ALIVE, false, -1, 0},
    {LEDGER_END_NONE, false, {.alive = true}, 0, true, END_ALIVE, true, -1, 0},
};

START_TEST(how_it_ended)
{
    add_thread(site_at(0x100), ALIVE);
    if (ends[_i].recorded)
        fake_end(fake, ends[_i].recorded, 3, ends[_i].end_judged);
    fake_header(fake)->pid = 0x7ffffff0; /* nobody's */
    rules.judge = ends[_i].judge;
    rules.judge_live = ends[_i].judge_live;
    const struct process_report *process = build(&ends[_i].known);
    ck_assert_str_eq(end_how_name(process->how), end_how_name(ends[_i].how));
    ck_assert_int_eq(process->judged, ends[_i].judged);
    ck_assert_int_eq(process->live, ends[_i].known.alive);
    ck_assert_int_eq(process->status_known, ends[_i].status >= 0);
    if (ends[_i].status >= 0)
        ck_assert_int_eq(process->status, ends[_i].status);
    ck_assert_int_eq(process->signal, ends[_i].signal);
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_int_eq(process->groups[0].counted, ends[_i].judged);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, ends[_i].judged);
}
END_TEST

/* exit() was under way, and then something ended the process past the shim. */
START_TEST(end_that_began)
{
    static const struct {
        struct process_end known;
        enum end_how how;
        bool judged;
        int status;
    } cases[] = {
        {{.known = true, .wait_status = EXITED(23)}, END_EXIT, true, 23},
        {{.known = false}, END_EXIT, true, 5},
        {{.known = true, .wait_status = KILLED(SIGKILL)}, END_SIGNAL, false, -1},
        {{.alive = true}, END_ALIVE, false, -1},
    };
    add_thread(site_at(0x100), ALIVE);
    fake_header(fake)->end_began = LEDGER_END_EXIT;
    fake_header(fake)->end_began_ns = 1;
    fake_header(fake)->end_status = 5;
    fake_header(fake)->pid = 0x7ffffff0; /* nobody's */
    rules.judge = rules.judge_seen = JUDGE_EXIT;
    const struct process_report *process = build(&cases[_i].known);
    ck_assert_str_eq(end_how_name(process->how), end_how_name(cases[_i].how));
    ck_assert_int_eq(process->judged, cases[_i].judged);
    ck_assert_int_eq(process->status_known ? process->status : -1, cases[_i].status);
    ck_assert_int_eq(process->groups[0].counted, cases[_i].judged);
}
END_TEST

/* ---- names, and many ----------------------------------------------------------------------------------- */

START_TEST(kinds_and_ends_have_names)
{
    ck_assert_str_eq(leak_kind_name(LEAK_RUNNING), "running");
    ck_assert_str_eq(leak_kind_name(LEAK_DETACHED), "detached");
    ck_assert_str_eq(leak_kind_name(LEAK_UNJOINED), "unjoined");
    ck_assert_uint_eq(leak_kind_bit(LEAK_RUNNING), KIND_RUNNING);
    ck_assert_uint_eq(leak_kind_bit(LEAK_DETACHED), KIND_DETACHED);
    ck_assert_uint_eq(leak_kind_bit(LEAK_UNJOINED), KIND_UNJOINED);
    static const char *const names[] = {"exit", "_exit", "quick_exit", "exec", "signal", "alive"};
    for (int i = END_EXIT; i <= END_ALIVE; i++)
        ck_assert_str_eq(end_how_name((enum end_how)i), names[i]);
}
END_TEST

START_TEST(many_threads_of_many_sites)
{
    enum { SITES = 1000, EACH = 16 };
    for (uint32_t s = 0; s < SITES; s++) {
        uint32_t site = site_at(0x1000 + s);
        for (int i = 0; i < EACH; i++)
            add_thread(site, ALIVE);
    }
    const struct process_report *process = build_exit();
    ck_assert_uint_eq(process->group_count, SITES);
    ck_assert_uint_eq(leak_report->summary.leaked_threads, SITES * EACH);
    ck_assert_uint_eq(leak_report->summary.leak_sites, SITES);
    for (size_t i = 0; i < SITES; i++)
        ck_assert_uint_eq(process->groups[i].thread_count, EACH);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("leak");
    tcase_add_checked_fixture(tests, leak_setup, leak_teardown);
    tcase_add_loop_test(tests, the_kind_follows_from_the_state, 0, sizeof(states) / sizeof(*states));
    tcase_add_test(tests, the_thread_that_runs_exit_is_no_leak);
    tcase_add_test(tests, before_the_end_nobody_runs_exit);
    tcase_add_loop_test(tests, how_it_ended, 0, sizeof(ends) / sizeof(*ends));
    tcase_add_loop_test(tests, end_that_began, 0, 4);
    tcase_add_test(tests, kinds_and_ends_have_names);
    tcase_add_test(tests, many_threads_of_many_sites);
    return suite_run("leak", tests);
}
