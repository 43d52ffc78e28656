/* The finding `lost-handle`, over made-up ledgers and what was found of handles. */
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

#define HANDLE UINT64_C(0x7f0000001000)

int main(void);

static struct kept_handle handles[4];

static void setup(void)
{
    leak_setup();
    rules.find = 1u << FINDING_LOST_HANDLE;
    memset(handles, 0, sizeof(handles));
}

/* A thread whose handle is stored there, or nowhere. */
static uint32_t thread_with(uint32_t site, uint32_t state, size_t number, const char *where)
{
    uint32_t slot = add_thread(site, state);
    fake_slot(fake, slot)->handle = HANDLE + 0x1000 * number;
    handles[number] = (struct kept_handle){
        .handle = HANDLE + 0x1000 * number, .lost = !where, .where = where ? strdup(where) : NULL};
    return slot;
}

/* The report of a process that has ended, with the first `count` handles. */
static const struct process_report *judged(size_t count, bool main_is_over)
{
    struct evidence evidence = made_evidence();
    struct stacks *stacks = stacks_none("made up");
    stacks->handles = calloc(count, sizeof(*stacks->handles));
    memcpy(stacks->handles, handles, count * sizeof(*handles));
    stacks->handle_count = count;
    stacks->main_is_over = main_is_over;
    evidence.stacks = stacks;
    const struct process_report *process = judge(&evidence);
    ck_assert_ptr_nonnull(process);
    return process;
}

static const struct finding *only(const struct process_report *process)
{
    ck_assert_uint_eq(process->findings.count, 1);
    ck_assert_int_eq(process->findings.items[0].code, FINDING_LOST_HANDLE);
    return &process->findings.items[0];
}

START_TEST(a_finished_thread)
{
    thread_with(site_at(0x10), ENDED, 0, NULL);
    const struct finding *finding = only(judged(1, false));
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_str_eq(finding->text,
                     "the handle of T2 is stored nowhere, so no other thread can join or detach it");
    ck_assert_pstr_eq(finding->pattern, "EARLY RETURN BEFORE JOIN");
    ck_assert_ptr_null(strstr(finding->assumed, "only likely"));
    ck_assert_uint_eq(finding->fact_count, 2);
}
END_TEST

START_TEST(a_live_thread_is_likely)
{
    thread_with(site_at(0x10), ALIVE, 0, NULL);
    const struct finding *finding = only(judged(1, false));
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(finding->assumed, "only likely: the thread is alive"));
    ck_assert_ptr_null(finding->pattern);
}
END_TEST

START_TEST(a_caveat_makes_it_likely)
{
    thread_with(site_at(0x10), ENDED, 0, NULL);
    handles[0].caveats = 1u << REACH_CAVEAT_DEBUGGER;
    const struct finding *finding = only(judged(1, false));
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(finding->assumed, "only likely: a debugger is attached"));
}
END_TEST

START_TEST(threads_of_a_site_are_one_finding)
{
    uint32_t site = site_at(0x10);
    for (size_t i = 0; i < 3; i++)
        thread_with(site, ENDED, i, NULL);
    thread_with(site, ENDED, 3, "variable pool");
    const struct process_report *process = judged(4, false);
    ck_assert_str_eq(
        only(process)->text,
        "the handles of T2, T3 and T4 are stored nowhere, so no other thread can join or detach them");
    ck_assert_pstr_eq(only(process)->pattern, "FIRE AND FORGET");
    ck_assert_str_eq(process->groups[0].threads[3].handle->where, "variable pool");
}
END_TEST

START_TEST(finished_and_live_ones_are_two)
{
    uint32_t site = site_at(0x10);
    thread_with(site, ENDED, 0, NULL);
    thread_with(site, ALIVE, 1, NULL);
    ck_assert_uint_eq(judged(2, false)->findings.count, 2);
}
END_TEST

START_TEST(nothing_is_found)
{
    static const struct {
        uint32_t state;
        const char *where;
    } cases[] = {{ENDED, "the heap"}, {ALIVE | SLOT_DETACHED, NULL}, {ENDED | SLOT_JOINING, NULL}};
    thread_with(site_at(0x10), cases[_i].state, 0, cases[_i].where);
    ck_assert_uint_eq(judged(1, false)->findings.count, 0);
}
END_TEST

START_TEST(nothing_is_known_of_it)
{
    thread_with(site_at(0x10), ENDED, 1, NULL);
    ck_assert_uint_eq(judged(1, false)->findings.count, 0);
}
END_TEST

/* The handle was issued again: it is not known whose it is. */
START_TEST(two_threads_with_one_handle)
{
    uint32_t site = site_at(0x10);
    thread_with(site, ENDED, 0, NULL);
    thread_with(site, ALIVE, 0, NULL);
    ck_assert_uint_eq(judged(1, false)->findings.count, 0);
}
END_TEST

/* Main itself may have had the handle in a variable, which is gone with the end of the process. */
START_TEST(main_created_it_and_is_over)
{
    uint32_t of_main = fake_site(fake, (ledger_pc[]){pc_in((void (*)(void))main)}, 1);
    thread_with(of_main, ENDED, 0, NULL);
    ck_assert_uint_eq(judged(1, true)->findings.count, 0);
}
END_TEST

START_TEST(main_created_it_and_goes_on)
{
    uint32_t of_main = fake_site(fake, (ledger_pc[]){pc_in((void (*)(void))main)}, 1);
    thread_with(of_main, ENDED, 0, NULL);
    only(judged(1, false));
}
END_TEST

START_TEST(another_function_created_it_and_main_is_over)
{
    uint32_t of_other = fake_site(fake, (ledger_pc[]){pc_in(first_user_function)}, 1);
    thread_with(of_other, ENDED, 0, NULL);
    only(judged(1, true));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("find_handles");
    tcase_add_checked_fixture(tests, setup, leak_teardown);
    tcase_add_test(tests, a_finished_thread);
    tcase_add_test(tests, a_live_thread_is_likely);
    tcase_add_test(tests, a_caveat_makes_it_likely);
    tcase_add_test(tests, threads_of_a_site_are_one_finding);
    tcase_add_test(tests, finished_and_live_ones_are_two);
    tcase_add_loop_test(tests, nothing_is_found, 0, 3);
    tcase_add_test(tests, nothing_is_known_of_it);
    tcase_add_test(tests, two_threads_with_one_handle);
    tcase_add_test(tests, main_created_it_and_is_over);
    tcase_add_test(tests, main_created_it_and_goes_on);
    tcase_add_test(tests, another_function_created_it_and_main_is_over);
    return suite_run("find_handles", tests);
}
