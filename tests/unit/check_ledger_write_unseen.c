/* What glibc's descriptor of a thread shows, though no hook saw it. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/ledger/descriptor.h"
#include "preload/ledger/leak.h"
#include "suite.h"
#include "writer_made.h"

#define NO_TASK 0x7ffffff0 /* above pid_max */

static uint32_t made_site;
static struct ledger_site *site;

static void begin(void)
{
    writer_begin();
    shim_config.tid_offset = offsetof(struct descriptor, tid);
    made_site = make_site();
    site = &state.sites[made_site];
}

static void finish(void)
{
    shim_config.tid_offset = -1;
    writer_finish();
}

/* A thread whose task exists: that of this test. */
static struct ledger_slot *run_real(struct descriptor *descriptor)
{
    struct ledger_slot *slot = run_thread(made_site, descriptor);
    atomic_store(&slot->tid, (int32_t)gettid());
    atomic_store(&descriptor->tid, (int32_t)gettid());
    return slot;
}

static struct ledger_slot *end_real(struct descriptor *descriptor)
{
    struct ledger_slot *slot = run_real(descriptor);
    thread_ended(&state, slot, 9);
    atomic_store(&descriptor->tid, 0);
    return slot;
}

static uint32_t leaks(unsigned kinds)
{
    return leak_count(&state, &(struct leak_scope){.kinds = kinds});
}

START_TEST(nothing_is_proved)
{
    const struct ledger_slot *alive = run_real(&descriptors[0]), *ended = end_real(&descriptors[1]);
    ck_assert_uint_eq(leaks(KIND_RUNNING), 1);
    ck_assert_uint_eq(leaks(KIND_UNJOINED), 1);
    ck_assert(!is_free(alive) && !is_free(ended));
    ck_assert_uint_eq(site->released, 0);
}
END_TEST

START_TEST(joined)
{
    struct ledger_slot *slot = end_real(&descriptors[0]);
    atomic_store(&descriptors[0].tid, -1);
    ck_assert_uint_eq(leaks(KIND_ALL), 0);
    ck_assert(is_free(slot));
    ck_assert_uint_eq(site->released, 1);
    ck_assert_int_eq(unjoined(site), 0);
}
END_TEST

START_TEST(handle_is_issued_again)
{
    struct ledger_slot *older = end_real(&descriptors[0]);
    struct ledger_slot *newer = run_real(&descriptors[0]);
    ck_assert_uint_eq(leaks(KIND_ALL), 1);
    ck_assert(is_free(older) && !is_free(newer));
    thread_ended(&state, newer, 9);
    atomic_store(&descriptors[0].tid, 0);
    ck_assert_uint_eq(leaks(KIND_UNJOINED), 1);
}
END_TEST

START_TEST(descriptor_is_unmapped)
{
    struct descriptor *descriptor =
        mmap(NULL, sizeof(*descriptor), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(descriptor, MAP_FAILED);
    struct ledger_slot *slot = end_real(descriptor);
    ck_assert_uint_eq(leaks(KIND_ALL), 1);
    munmap(descriptor, sizeof(*descriptor));
    ck_assert_uint_eq(leaks(KIND_ALL), 0);
    ck_assert(is_free(slot));
}
END_TEST

START_TEST(memory_has_another_use)
{
    struct ledger_slot *slot = end_real(&descriptors[0]);
    atomic_store(&descriptors[0].start, 0);
    atomic_store(&descriptors[0].arg, 0);
    ck_assert_uint_eq(leaks(KIND_ALL), 0);
    ck_assert(is_free(slot));
}
END_TEST

/* Another library's pthread_create gave glibc a start routine of its own: that proves nothing. */
START_TEST(another_librarys_routine)
{
    struct ledger_slot *slot = new_thread(made_site, false);
    hand_over(&descriptors[0], slot);
    atomic_store(&descriptors[0].start, 0x999);
    atomic_store(&descriptors[0].arg, 0x998);
    thread_started(&state, slot, handle_of(&descriptors[0]), (int32_t)gettid());
    atomic_store(&descriptors[0].tid, (int32_t)gettid());
    ck_assert_uint_eq(leaks(KIND_RUNNING), 1);
}
END_TEST

START_TEST(detached_alive)
{
    struct ledger_slot *slot = run_real(&descriptors[0]);
    atomic_store(&descriptors[0].before[_i], (uint64_t)&descriptors[0]);
    ck_assert_uint_eq(leaks(KIND_RUNNING), 0);
    ck_assert_uint_eq(leaks(KIND_DETACHED), 1);
    ck_assert_uint_eq(site->detached, 1);
    thread_ended(&state, slot, 9);
    ck_assert(is_free(slot));
    ck_assert_uint_eq(site->ended_detached, 1);
}
END_TEST

START_TEST(detached_after_its_end)
{
    struct ledger_slot *slot = end_real(&descriptors[0]);
    atomic_store(&descriptors[0].before[1], (uint64_t)&descriptors[0]);
    ck_assert_uint_eq(leaks(KIND_ALL), 0);
    ck_assert(is_free(slot));
    ck_assert_uint_eq(site->detached_late, 1);
    ck_assert_int_eq(unjoined(site), 0);
}
END_TEST

/* By the system call exit: the kernel cleared the tid, or (0) it could not. */
START_TEST(ended_by_system_call)
{
    struct ledger_slot *slot = run_real(&descriptors[0]);
    atomic_store(&slot->tid, NO_TASK);
    atomic_store(&descriptors[0].tid, _i ? 0 : NO_TASK);
    ck_assert_uint_eq(leaks(KIND_RUNNING), 0);
    ck_assert_uint_eq(leaks(KIND_UNJOINED), 1);
    ck_assert_int_eq(live(site), 0);
    ck_assert_int_eq(ledger_live(&state), 0);
    detach(&descriptors[0]);
    ck_assert(is_free(slot));
}
END_TEST

START_TEST(join_under_way_is_left_alone)
{
    struct ledger_slot *slot = end_real(&descriptors[0]);
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    atomic_store(&descriptors[0].tid, -1);
    leaks(KIND_ALL);
    ck_assert(!is_free(slot));
    join_end(&state, &join, true, NULL);
    ck_assert(is_free(slot));
    ck_assert_uint_eq(site->joined, 1);
    ck_assert_uint_eq(site->released, 0);
}
END_TEST

/* A program whose joins are not seen does not fill the ledger. */
START_TEST(full_section_is_searched)
{
    uint32_t cap = state.header->sections[SECTION_SLOTS].cap;
    for (uint32_t i = 0; i < cap + 10; i++) {
        end_real(&descriptors[i % MANY]);
        atomic_store(&descriptors[i % MANY].tid, -1);
    }
    ck_assert_uint_eq(state.header->lost_events, 0);
    ck_assert_uint_eq(leaks(KIND_ALL), 0);
}
END_TEST

START_TEST(states_of_two_uses_differ)
{
    struct ledger_slot *slot = run_real(&descriptors[0]);
    uint32_t before = slot->state;
    detach(&descriptors[0]);
    thread_ended(&state, slot, 9);
    ck_assert_ptr_eq(run_real(&descriptors[0]), slot);
    ck_assert_uint_ne(slot->state, before);
    ck_assert_uint_eq(slot->state % SLOT_USE, before % SLOT_USE);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("unseen");
    tcase_add_checked_fixture(tcase, begin, finish);
    tcase_add_test(tcase, nothing_is_proved);
    tcase_add_test(tcase, joined);
    tcase_add_test(tcase, handle_is_issued_again);
    tcase_add_test(tcase, descriptor_is_unmapped);
    tcase_add_test(tcase, memory_has_another_use);
    tcase_add_test(tcase, another_librarys_routine);
    tcase_add_loop_test(tcase, detached_alive, 0, 2);
    tcase_add_test(tcase, detached_after_its_end);
    tcase_add_loop_test(tcase, ended_by_system_call, 0, 2);
    tcase_add_test(tcase, join_under_way_is_left_alone);
    tcase_add_test(tcase, full_section_is_searched);
    tcase_add_test(tcase, states_of_two_uses_differ);
    return suite_run("ledger_write_unseen", tcase);
}
