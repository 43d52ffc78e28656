/* The sections of the ledger as the writer fills them: slots, sites with their index, tests, current
 * stacks. */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "preload/ledger/module.h"
#include "preload/ledger/site.h"
#include "preload/ledger/test.h"
#include "suite.h"
#include "writer_made.h"

START_TEST(unused_memory_is_given_back)
{
    uint32_t number = make_site();
    ck_assert_uint_gt(state.header->sections[SECTION_SLOTS].cap, 4096);
    ledger_give_back(&state);
    ck_assert_uint_lt(state.header->sections[SECTION_SLOTS].cap, 4096);
    for (int i = 0; i < 100; i++)
        run_thread(number, &descriptors[i]);
    ck_assert_uint_eq(state.header->lost_events, 0);
}
END_TEST

START_TEST(equal_backtraces_are_one_site)
{
    uint32_t first = make_site(), used = state.header->sections[SECTION_SITES].used;
    ck_assert_int_eq(make_site(), first);
    for (int i = 0; i < 1000; i++) {
        site_forget_addresses(&state); /* dlclose: encoded again, and found again */
        ck_assert_int_eq(make_site(), first);
    }
    ck_assert_int_eq(state.header->sections[SECTION_SITES].used, used);
}
END_TEST

static bool accept_equal(void *wanted, uint32_t value)
{
    return value == *(uint32_t *)wanted;
}

/* The second time, the modules are known. */
START_TEST(modules_of_one_backtrace_take_turns)
{
    uint64_t libc = (uint64_t)getppid, program = (uint64_t)writer_begin;
    uint64_t pcs[] = {libc, program, program, libc};
    ledger_pc encoded[4];
    strcpy(shim_config.exe, "/program");
    for (int i = 0; i < 2; i++) {
        module_encode_all(&state, pcs, 4, encoded);
        ck_assert_uint_eq(ledger_used(state.header, SECTION_MODULES), 2);
        ck_assert_uint_eq(ledger_pc_module(encoded[0]), 0);
        ck_assert_uint_eq(ledger_pc_module(encoded[1]), 1);
        ck_assert_uint_eq(ledger_pc_offset(encoded[1]), program - state.modules[1].bias);
        ck_assert_uint_eq(encoded[2], encoded[1]);
        ck_assert_uint_eq(encoded[3], encoded[0]);
    }
}
END_TEST

START_TEST(index_has_all_sites_and_forgets_when_full)
{
    const uint32_t sites = 1u << 13, many = 100000;
    for (uint32_t i = 0; i < sites; i++)
        index_insert(state.raw, i * 64ull + 7, i);
    for (uint32_t i = 0; i < sites; i++)
        ck_assert(index_find(state.raw, i * 64ull + 7, accept_equal, &i));
    for (uint32_t i = sites; i < many; i++) {
        index_insert(state.raw, i * 64ull + 7, i);
        ck_assert(index_find(state.raw, i * 64ull + 7, accept_equal, &i));
    }
    ck_assert(!index_find(state.raw, many * 64ull + 7, accept_equal, (uint32_t[]){many}));
}
END_TEST

START_TEST(full_ledger_counts_what_it_loses)
{
    uint32_t site = make_site();
    state.header->sections[SECTION_SLOTS].cap = 3;
    struct new_thread thread = {.site = site};
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(thread_new(&state, &thread));
    ck_assert_ptr_null(thread_new(&state, &thread));
    ck_assert_uint_eq(state.header->lost_events, 1);
}
END_TEST

START_TEST(a_newer_request_begins_anew_and_an_older_is_late)
{
    ck_assert_uint_eq(ledger_take_stack(&state, 1, 16), 0);
    ck_assert_uint_eq(ledger_take_stack(&state, 1, 8), 16);
    ck_assert_uint_eq(ledger_take_stack(&state, 3, 8), 0);
    ck_assert_uint_eq(ledger_take_stack(&state, 2, 8), UINT32_MAX);
    ck_assert_uint_eq(ledger_take_stack(&state, 3, 8), 8);
    ck_assert(atomic_load(&state.header->sections[SECTION_STACKS].used) == (3ull << 32 | 16));
}
END_TEST

/* ---- tests ---- */

static struct ledger_slot *thread_of(uint32_t number)
{
    struct ledger_slot *slot = new_thread(make_site(), false);
    slot->test = number;
    return slot;
}

static uint32_t begin_test(const char *name)
{
    test_run(&state, name);
    return atomic_load(&state.header->running_test);
}

START_TEST(a_test_without_threads_takes_no_room)
{
    ck_assert_uint_eq(begin_test(NULL), 0);
    uint32_t last = 0;
    for (int i = 0; i < 5000; i++) {
        uint32_t number = begin_test("pool");
        ck_assert_uint_ne(number, last);
        ck_assert_uint_ne(number, 0);
        last = number;
    }
    ck_assert_uint_eq(ledger_used(state.header, SECTION_TESTS), 1);
    ck_assert_uint_eq(begin_test(""), 0);
}
END_TEST

START_TEST(a_name_stays_while_a_thread_refers_to_it)
{
    uint32_t first = begin_test("first");
    thread_of(first);
    uint32_t second = begin_test("second"), third = begin_test("third");
    ck_assert_str_eq(state.tests[ledger_test_index(first)].name, "first");
    ck_assert_str_eq(state.tests[ledger_test_index(third)].name, "third");
    ck_assert_uint_ne(second, third);
    ck_assert_uint_eq(state.tests[ledger_test_index(first)].number, first);
    ck_assert_uint_ne(state.tests[ledger_test_index(second)].number, second);
}
END_TEST

START_TEST(full_of_tests)
{
    struct ledger_slot *slots[3];
    state.header->sections[SECTION_TESTS].cap = 3;
    for (int i = 0; i < 3; i++)
        slots[i] = thread_of(begin_test("leaks"));
    ck_assert_uint_eq(begin_test("lost"), 0);
    ck_assert_uint_eq(state.header->lost_tests, 1);
    thread_dropped(&state, slots[1]);
    uint32_t number = begin_test("fits");
    ck_assert_uint_eq(ledger_test_index(number), 1);
    ck_assert_uint_ne(number, slots[1]->test);
    ck_assert_uint_eq(state.header->lost_tests, 1);
}
END_TEST

START_TEST(which_test_began_before)
{
    uint32_t older = begin_test("older");
    thread_of(older);
    uint64_t since = state.header->next_serial - 1; /* as threadleak_checkpoint() */
    uint32_t newer = begin_test("newer");
    ck_assert(test_began_before(&state, older, since));
    ck_assert(!test_began_before(&state, newer, since));
    ck_assert(!test_began_before(&state, 0, since));
    ck_assert(!test_began_before(&state, UINT32_MAX, since));
}
END_TEST

START_TEST(generations_go_round)
{
    atomic_store(&state.header->sections[SECTION_STACKS].used, 0xffffffffull << 32 | 24);
    ck_assert_uint_eq(ledger_take_stack(&state, 0, 8), 0);
    ck_assert_uint_eq(ledger_take_stack(&state, 0xffffffffu, 8), UINT32_MAX);
}
END_TEST

START_TEST(a_full_current_section_takes_no_more)
{
    uint32_t cap = state.header->sections[SECTION_STACKS].cap;
    ck_assert_uint_eq(ledger_take_stack(&state, 1, cap - 8), 0);
    ck_assert_uint_eq(ledger_take_stack(&state, 1, 16), UINT32_MAX);
    ck_assert_uint_eq(ledger_take_stack(&state, 1, 8), cap - 8);
    ck_assert_uint_eq(ledger_take_stack(&state, 1, 8), UINT32_MAX);
    ck_assert_uint_eq(ledger_take_stack(&state, 2, 8), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("sections");
    tcase_add_checked_fixture(tcase, writer_begin, writer_finish);
    tcase_add_test(tcase, unused_memory_is_given_back);
    tcase_add_test(tcase, equal_backtraces_are_one_site);
    tcase_add_test(tcase, modules_of_one_backtrace_take_turns);
    tcase_add_test(tcase, index_has_all_sites_and_forgets_when_full);
    tcase_add_test(tcase, full_ledger_counts_what_it_loses);
    tcase_add_test(tcase, a_newer_request_begins_anew_and_an_older_is_late);
    tcase_add_test(tcase, a_test_without_threads_takes_no_room);
    tcase_add_test(tcase, a_name_stays_while_a_thread_refers_to_it);
    tcase_add_test(tcase, full_of_tests);
    tcase_add_test(tcase, which_test_began_before);
    tcase_add_test(tcase, generations_go_round);
    tcase_add_test(tcase, a_full_current_section_takes_no_more);
    return suite_run("ledger_write_sections", tcase);
}
