/* The ledger writer, called directly: what each transition of a thread counts. */

#include "suite.h"
#include "preload/ledger/site.h"
#include "writer_made.h"

START_TEST(join_counts_and_frees)
{
    uint32_t number = make_site();
    struct ledger_site *site = &state.sites[number];
    struct descriptor *thread = &descriptors[0];
    struct ledger_slot *slot = run_thread(number, thread);
    ck_assert_int_eq(live(site), 1);
    ck_assert_ptr_eq(thread_find(&state, handle_of(thread)).slot, slot);
    thread_ended(&state, slot, 9);
    ck_assert_int_eq(unjoined(site), 1);
    ck_assert(!is_free(slot));
    struct join join = join_begin(&state, handle_of(thread));
    join_end(&state, &join, true, NULL);
    ck_assert_int_eq(site->joined, 1);
    ck_assert_int_eq(unjoined(site), 0);
    ck_assert(is_free(slot));
    ck_assert_int_eq(ledger_live(&state), 0);
}
END_TEST

START_TEST(failed_join_puts_back)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = run_thread(number, &descriptors[0]);
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    ck_assert(slot->state & SLOT_JOINING);
    join_end(&state, &join, false, NULL);
    ck_assert(!(slot->state & SLOT_JOINING));
    ck_assert_int_eq(state.sites[number].joined, 0);
}
END_TEST

START_TEST(of_two_who_poll_either_may_join)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = run_thread(number, &descriptors[0]);
    struct join first = join_begin(&state, handle_of(&descriptors[0]));
    thread_ended(&state, slot, 9);
    struct join second = join_begin(&state, handle_of(&descriptors[0]));
    join_end(&state, &second, true, NULL);
    ck_assert(is_free(slot));
    struct ledger_slot *next = run_thread(number, &descriptors[1]);
    ck_assert_ptr_eq(next, slot);
    join_end(&state, &first, false, NULL); /* EBUSY, returned late: the slot belongs to another thread */
    ck_assert_int_eq(state.sites[number].joined, 1);
    ck_assert(!is_free(next));
}
END_TEST

START_TEST(failed_join_of_one_detached_and_ended_meanwhile_frees)
{
    struct ledger_slot *slot = run_thread(make_site(), &descriptors[0]);
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    detach(&descriptors[0]);
    thread_ended(&state, slot, 9);
    ck_assert(!is_free(slot));
    join_end(&state, &join, false, NULL);
    ck_assert(is_free(slot));
}
END_TEST

START_TEST(join_and_detach_before_it_runs)
{
    uint32_t number = make_site();
    struct ledger_slot *joined = new_thread(number, false), *detached = new_thread(number, false);
    hand_over(&descriptors[0], joined);
    hand_over(&descriptors[1], detached);
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    ck_assert_ptr_eq(join.thread.slot, joined);
    detach(&descriptors[1]);
    ck_assert_int_eq(state.sites[number].detached, 1);
    thread_started(&state, joined, handle_of(&descriptors[0]), 7);
    thread_ended(&state, joined, 9);
    join_end(&state, &join, true, NULL);
    ck_assert_int_eq(state.sites[number].joined, 1);
    thread_created(&state, &latest);
    ck_assert(is_free(joined));
}
END_TEST

/* ASan's pthread_create hands glibc its own start routine and argument. */
START_TEST(behind_another_library_by_thread_local_storage)
{
    uint32_t number = make_site();
    struct descriptor *thread = &descriptors[0];
    struct ledger_slot *slot = new_thread(number, false);
    ck_assert_ptr_null(thread_find(&state, handle_of(thread)).slot);
    thread->tls.slot = slot;
    thread->tls.serial = slot->serial;
    thread->tls.epoch = state.epoch;
    ck_assert_ptr_eq(thread_find(&state, handle_of(thread)).slot, slot);
    thread->tls.epoch = state.epoch + 1; /* of the process that forked this one */
    ck_assert_ptr_null(thread_find(&state, handle_of(thread)).slot);
}
END_TEST

START_TEST(behind_another_library_before_it_runs)
{
    uint32_t number = make_site();
    struct descriptor *thread = &descriptors[0];
    struct ledger_slot *slot = new_thread(number, false);
    struct join join = join_begin(&state, handle_of(thread));
    ck_assert_ptr_null(join.thread.slot);
    thread_started(&state, slot, handle_of(thread), 7);
    thread_ended(&state, slot, 9);
    join_end(&state, &join, true, NULL);
    ck_assert_int_eq(state.sites[number].joined, 1);
    detach(&descriptors[1]);
    ck_assert(descriptors[1].tls.early_detach);
    struct ledger_slot *early = new_thread(number, false);
    shim_tls.early_detach = true; /* as the thread itself finds it */
    thread_started(&state, early, handle_of(&descriptors[1]), 7);
    shim_tls.early_detach = false;
    ck_assert_int_eq(state.sites[number].detached, 1);
}
END_TEST

/* The program has the key of the shim. */
START_TEST(joined_before_it_runs_and_its_end_is_not_seen)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = new_thread(number, false), *other = new_thread(number, false);
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    ck_assert_ptr_null(join.thread.slot);
    thread_started(&state, slot, handle_of(&descriptors[0]), 7);
    thread_started(&state, other, handle_of(&descriptors[0]), 7); /* the handle is issued again */
    join_end(&state, &join, true, NULL);
    ck_assert(is_free(slot) && !is_free(other));
    ck_assert_int_eq(state.sites[number].joined, 1);
    ck_assert_int_eq(live(&state.sites[number]), 1);
    ck_assert_int_eq(unjoined(&state.sites[number]), 0);
}
END_TEST

START_TEST(creator_comes_back_when_the_slot_is_anothers)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = new_thread(number, true);
    struct new_thread created = latest;
    hand_over(&descriptors[0], slot);
    thread_started(&state, slot, handle_of(&descriptors[0]), 7);
    thread_ended(&state, slot, 9);
    ck_assert(is_free(slot));
    ck_assert_ptr_eq(new_thread(number, false), slot);
    uint64_t serial = slot->serial;
    uint32_t bits = slot->state;
    thread_created(&state, &created);
    ck_assert_uint_eq(slot->serial, serial);
    ck_assert_uint_eq(slot->state, bits);
    ck_assert_int_eq(state.sites[number].peak, 1);
}
END_TEST

START_TEST(detach_before_and_after_the_end)
{
    uint32_t number = make_site();
    struct ledger_site *site = &state.sites[number];
    struct ledger_slot *early = run_thread(number, &descriptors[0]);
    struct ledger_slot *late = run_thread(number, &descriptors[1]);
    detach(&descriptors[0]);
    thread_ended(&state, early, 9);
    ck_assert(is_free(early));
    thread_ended(&state, late, 9);
    ck_assert_int_eq(unjoined(site), 1);
    detach(&descriptors[1]);
    ck_assert(is_free(late));
    ck_assert_int_eq(unjoined(site), 0);
    ck_assert_int_eq(site->detached, 2);
    ck_assert_int_eq(live(site), 0);
}
END_TEST

START_TEST(dropped_leaves_no_trace)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = new_thread(number, true);
    thread_dropped(&state, slot);
    ck_assert(is_free(slot));
    ck_assert_int_eq(state.sites[number].created, 0);
    ck_assert_int_eq(state.sites[number].detached, 0);
    ck_assert_int_eq(state.header->peak, 0);
    ck_assert_int_eq(ledger_live(&state), 0);
    run_thread(number, &descriptors[0]);
    ck_assert_int_eq(state.header->peak, 1);
    ck_assert_int_eq(state.sites[number].peak, 1);
}
END_TEST

/* For the time line, until the slot is used again. */
START_TEST(a_free_slot_has_the_life_of_its_last_thread)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = run_thread(number, &descriptors[0]);
    uint64_t serial = slot->serial;
    ck_assert_uint_eq(slot->joined_ns, 0);
    thread_ended(&state, slot, 9);
    ck_assert(!ledger_is_over(slot->state));
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    join_end(&state, &join, true, NULL);
    ck_assert(is_free(slot) && ledger_is_over(slot->state));
    ck_assert_uint_eq(slot->arg, serial);
    ck_assert_uint_eq(slot->ended_ns, 9);
    ck_assert_uint_gt(slot->joined_ns, 0);
    struct ledger_slot *next = new_thread(number, true);
    ck_assert_ptr_eq(next, slot);
    ck_assert(!ledger_is_over(next->state) && next->joined_ns == 0);
    thread_dropped(&state, next);
    ck_assert(is_free(next) && !ledger_is_over(next->state));
}
END_TEST

START_TEST(recycled_handle_is_the_new_thread)
{
    uint32_t number = make_site();
    pthread_t handle = handle_of(&descriptors[0]);
    struct ledger_slot *old = run_thread(number, &descriptors[0]);
    thread_ended(&state, old, 9);
    struct join join = join_begin(&state, handle);
    /* The real join is through: the system may give the handle away at once. */
    struct ledger_slot *young = run_thread(number, &descriptors[0]);
    ck_assert_ptr_eq(thread_find(&state, handle).slot, young);
    join_end(&state, &join, true, NULL);
    ck_assert_ptr_eq(thread_find(&state, handle).slot, young);
    ck_assert(is_free(old));
    ck_assert(!is_free(young));
}
END_TEST

START_TEST(late_detach_does_not_reach_the_new_thread)
{
    uint32_t number = make_site();
    struct ledger_slot *old = run_thread(number, &descriptors[0]);
    thread_ended(&state, old, 9);
    struct detach started = detach_begin(&state, handle_of(&descriptors[0]));
    struct ledger_slot *young = run_thread(number, &descriptors[0]);
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    ck_assert_ptr_eq(join.thread.slot, young);
    detach_end(&state, &started, true, NULL);
    ck_assert(is_free(old));
    thread_ended(&state, young, 9);
    join_end(&state, &join, true, NULL);
    ck_assert(is_free(young));
    ck_assert_int_eq(unjoined(&state.sites[number]), 0);
}
END_TEST

/* Another place would cost a new stack at each detach, if both take turns. */
START_TEST(site_has_one_place_of_detaches)
{
    uint32_t number = make_site();
    ledger_pc first = 0;
    for (int i = 0; i < 2; i++) {
        run_thread(number, &descriptors[i]);
        struct detach started = detach_begin(&state, handle_of(&descriptors[i]));
        detach_end(&state, &started, true, i ? (void *)run_thread : (void *)new_thread);
        first = i ? first : atomic_load(&state.sites[number].detach_pc);
    }
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_eq(atomic_load(&state.sites[number].detach_pc), first);
}
END_TEST

START_TEST(site_has_one_start_routine)
{
    uint32_t one = make_site(), other = make_site_of((void *)new_thread);
    ck_assert_uint_ne(one, 0);
    ck_assert_uint_ne(one, other);
    ck_assert_uint_eq(make_site(), one);
    site_forget_addresses(&state); /* from now on by module and offset */
    ck_assert_uint_eq(make_site_of((void *)new_thread), other);
    ck_assert_uint_eq(make_site(), one);
    ck_assert_uint_ne(state.sites[one].start_pc, state.sites[other].start_pc);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("transitions");
    tcase_add_checked_fixture(tcase, writer_begin, writer_finish);
    tcase_add_test(tcase, join_counts_and_frees);
    tcase_add_test(tcase, failed_join_puts_back);
    tcase_add_test(tcase, failed_join_of_one_detached_and_ended_meanwhile_frees);
    tcase_add_test(tcase, of_two_who_poll_either_may_join);
    tcase_add_test(tcase, join_and_detach_before_it_runs);
    tcase_add_test(tcase, behind_another_library_by_thread_local_storage);
    tcase_add_test(tcase, behind_another_library_before_it_runs);
    tcase_add_test(tcase, joined_before_it_runs_and_its_end_is_not_seen);
    tcase_add_test(tcase, late_detach_does_not_reach_the_new_thread);
    tcase_add_test(tcase, creator_comes_back_when_the_slot_is_anothers);
    tcase_add_test(tcase, detach_before_and_after_the_end);
    tcase_add_test(tcase, dropped_leaves_no_trace);
    tcase_add_test(tcase, a_free_slot_has_the_life_of_its_last_thread);
    tcase_add_test(tcase, recycled_handle_is_the_new_thread);
    tcase_add_test(tcase, site_has_one_place_of_detaches);
    tcase_add_test(tcase, site_has_one_start_routine);
    return suite_run("ledger_write", tcase);
}
