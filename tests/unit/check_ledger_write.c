/*
 * The ledger writer, called directly: what each transition counts, and 100,000
 * random lives of threads by 8 real threads against a model, with handles that
 * are used again the moment the system might do so.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/shim/guard.h"
#include "preload/ledger/section.h"
#include "preload/ledger/thread.h"
#include "preload/ledger/thread_join.h"
#include "preload/ledger/site.h"
#include "suite.h"

#define LEVELS 4
static struct shim_state state;
static char *memory;

/* The part of glibc's descriptor of a thread that the writer reads: a handle is the address of one. `behind`:
 * another library's pthread_create is between. */
struct descriptor {
    _Atomic uint64_t start, arg;
    struct shim_tls tls;
};
#define TRAMPOLINE 0x1234
#define MANY 256
static struct descriptor descriptors[MANY];

static pthread_t handle_of(struct descriptor *descriptor)
{
    return (pthread_t)descriptor;
}

static void hand_over(struct descriptor *descriptor, struct ledger_slot *slot)
{
    memset(&descriptor->tls, 0, sizeof(descriptor->tls));
    atomic_store(&descriptor->start, TRAMPOLINE);
    atomic_store(&descriptor->arg, (uint64_t)slot);
}

static void begin(void)
{
    size_t size = index_bytes(LEVELS);
    memset(&state, 0, sizeof(state));
    memory = calloc(2, size);
    ck_assert_ptr_nonnull(memory);
    index_init(&state.raw, memory, LEVELS);
    index_init(&state.encoded, memory + size, LEVELS);
    memset(descriptors, 0, sizeof(descriptors));
    shim_config.start_offset = offsetof(struct descriptor, start);
    shim_config.tls_offset = offsetof(struct descriptor, tls);
    shim_config.trampolines[0] = shim_config.trampolines[1] = TRAMPOLINE;
    state.epoch = 77;
    options_defaults(&shim_config.options);
    ck_assert(ledger_map(&state));
    shim_state = &state;
}

static void finish(void)
{
    free(memory);
}

static uint32_t make_site(void)
{
    struct capture *capture = __builtin_alloca(sizeof(*capture) + 2 * sizeof(void *));
    capture->count = 2;
    capture->flags = 0;
    capture->frames[0] = (void *)make_site;
    capture->frames[1] = (void *)begin;
    return site_of(&state, capture, (uint64_t)make_site);
}

static int64_t unjoined(const struct ledger_site *site)
{
    return (int64_t)(site->ended_joinable - site->joined - site->detached_late);
}

static int64_t live(const struct ledger_site *site)
{
    return (int64_t)(site->created - site->ended_joinable - site->ended_detached);
}

static struct new_thread latest;

static struct ledger_slot *new_thread(uint32_t site, bool detached)
{
    latest = (struct new_thread){.site = site, .start = 1, .now_ns = 5, .detached = detached};
    struct ledger_slot *slot = thread_new(&state, &latest);
    ck_assert_ptr_nonnull(slot);
    return slot;
}

static struct ledger_slot *run_thread(uint32_t site, struct descriptor *descriptor)
{
    struct ledger_slot *slot = new_thread(site, false);
    hand_over(descriptor, slot);
    thread_started(&state, slot, handle_of(descriptor), 7);
    thread_created(&state, &latest);
    return slot;
}

static void detach(struct descriptor *descriptor)
{
    struct detach started = detach_begin(&state, handle_of(descriptor));
    detach_end(&started, true);
}

static bool is_free(const struct ledger_slot *slot)
{
    return atomic_load(&slot->serial) == 0;
}

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
    join_end(&join, true, NULL);
    ck_assert_int_eq(site->joined, 1);
    ck_assert_int_eq(unjoined(site), 0);
    ck_assert(is_free(slot));
    ck_assert_int_eq(ledger_live(state.header), 0);
}
END_TEST

START_TEST(failed_join_puts_back)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = run_thread(number, &descriptors[0]);
    struct join join = join_begin(&state, handle_of(&descriptors[0]));
    ck_assert(slot->state & SLOT_JOINING);
    join_end(&join, false, NULL);
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
    join_end(&second, true, NULL);
    ck_assert(is_free(slot));
    struct ledger_slot *next = run_thread(number, &descriptors[1]);
    ck_assert_ptr_eq(next, slot);
    join_end(&first, false, NULL); /* EBUSY, returned late: the slot belongs to another thread */
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
    join_end(&join, false, NULL);
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
    join_end(&join, true, NULL);
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
    join_end(&join, true, NULL);
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
    ck_assert_int_eq(ledger_live(state.header), 0);
    run_thread(number, &descriptors[0]);
    ck_assert_int_eq(state.header->peak, 1);
    ck_assert_int_eq(state.sites[number].peak, 1);
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
    join_end(&join, true, NULL);
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
    detach_end(&started, true);
    ck_assert(is_free(old));
    thread_ended(&state, young, 9);
    join_end(&join, true, NULL);
    ck_assert(is_free(young));
    ck_assert_int_eq(unjoined(&state.sites[number]), 0);
}
END_TEST

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

START_TEST(index_grows_and_empties)
{
    const uint32_t many = 30000;
    for (uint32_t i = 0; i < many; i++)
        ck_assert(index_insert(&state.raw, i * 64ull + 7, i));
    ck_assert_int_gt(state.raw.top, 1);
    for (uint32_t i = 0; i < many; i++)
        ck_assert(index_find(&state.raw, i * 64ull + 7, accept_equal, &i));
    index_clear(&state.raw);
    for (uint32_t i = 0; i < many; i++)
        ck_assert(!index_find(&state.raw, i * 64ull + 7, accept_equal, &i));
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

/* ---- random lives --------------------------------------------------------------- */

#define WORKERS 8
#define LIVES 64
#define TRANSITIONS 100000

/* The parts of a life, each done by whichever worker comes by; a part may begin
 * when those it waits for are done. */
enum { NEW, CREATED, STARTED, ENDED, RELEASED, PARTS };
static const unsigned waits_for[PARTS] = {
    [CREATED] = 1 << NEW, [STARTED] = 1 << NEW, [ENDED] = 1 << STARTED, [RELEASED] = 1 << NEW, /* by another
                                                                                                  thread,
                                                                                                  before the
                                                                                                  creator has
                                                                                                  returned */
};

struct life {
    _Atomic unsigned claimed, done; /* bits of parts */
    struct ledger_slot *slot;
    struct new_thread created;
    struct descriptor *descriptor;
    bool detached, by_detach;
    bool given; /* the descriptor was given away */
};

static struct life lives[LIVES];
static _Atomic uint64_t model_created, model_joined, model_detached, model_dropped, transitions;
static _Atomic bool taken[MANY]; /* descriptors in use; the lowest free one is used again, as stacks are */
static uint32_t life_site;

static struct descriptor *take_descriptor(void)
{
    for (int i = 0;; i = (i + 1) % MANY)
        if (!atomic_exchange(&taken[i], true))
            return &descriptors[i];
}

static void give_descriptor(struct life *life)
{
    life->given = true;
    atomic_store(&taken[life->descriptor - descriptors], false);
}

static void do_new(struct life *life, unsigned *seed)
{
    life->detached = rand_r(seed) % 4 == 0;
    life->by_detach = rand_r(seed) % 2;
    life->given = false;
    life->created = (struct new_thread){.site = life_site, .start = 1, .detached = life->detached};
    life->slot = thread_new(&state, &life->created);
    if (rand_r(seed) % 16 == 0) {
        thread_dropped(&state, life->slot);
        atomic_fetch_add(&model_dropped, 1);
        life->slot = thread_new(&state, &life->created);
    }
    life->descriptor = take_descriptor();
    hand_over(life->descriptor, life->slot); /* glibc does so before the thread can run */
    atomic_fetch_add(&model_created, 1);
    atomic_fetch_add(&model_detached, life->detached);
}

/* True when the thread is joined or detached; a join before its end fails.  The
 * descriptor goes as soon as the system may give it away: before our own end. */
static bool do_release(struct life *life, bool ended)
{
    pthread_t handle = handle_of(life->descriptor);
    if (life->detached)
        return true;
    if (life->by_detach) {
        struct detach detaching = detach_begin(&state, handle);
        ck_assert_ptr_eq(detaching.thread.slot, life->slot);
        if (ended)
            give_descriptor(life);
        detach_end(&detaching, true);
        atomic_fetch_add(&model_detached, 1);
        return true;
    }
    struct join join = join_begin(&state, handle);
    ck_assert_ptr_eq(join.thread.slot, life->slot);
    if (ended)
        give_descriptor(life);
    join_end(&join, ended, NULL);
    atomic_fetch_add(&model_joined, ended);
    return ended;
}

static bool do_part(struct life *life, int part, unsigned *seed)
{
    switch (part) {
    case NEW:
        do_new(life, seed);
        return true;
    case CREATED:
        thread_created(&state, &life->created);
        return true;
    case STARTED:
        thread_started(&state, life->slot, handle_of(life->descriptor), 7);
        return true;
    case ENDED:
        thread_ended(&state, life->slot, 9);
        return true;
    default:
        return do_release(life, atomic_load(&life->done) & 1 << ENDED);
    }
}

static void step(unsigned *seed, bool may_begin)
{
    struct life *life = &lives[rand_r(seed) % LIVES];
    int part = rand_r(seed) % PARTS;
    unsigned done = atomic_load(&life->done);
    if ((part == NEW && !may_begin) || (done & waits_for[part]) != waits_for[part])
        return;
    if (atomic_fetch_or(&life->claimed, 1u << part) & 1u << part)
        return;
    /* What was done may have been so in the life before this one. */
    if ((atomic_load(&life->done) & waits_for[part]) != waits_for[part] || !do_part(life, part, seed)) {
        atomic_fetch_and(&life->claimed, ~(1u << part));
        return;
    }
    atomic_fetch_add(&transitions, 1);
    if ((atomic_fetch_or(&life->done, 1u << part) | 1u << part) == (1u << PARTS) - 1) {
        if (!life->given)
            give_descriptor(life);
        atomic_store(&life->done, 0);
        atomic_store(&life->claimed, 0);
    }
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    while (atomic_load(&transitions) < TRANSITIONS)
        step(&seed, true);
    return NULL;
}

static bool all_over(void)
{
    for (int i = 0; i < LIVES; i++)
        if (atomic_load(&lives[i].claimed))
            return false;
    return true;
}

START_TEST(random_lives_match_the_model)
{
    pthread_t workers[WORKERS];
    struct ledger_site *site;
    unsigned seed = 1;

    life_site = make_site();
    site = &state.sites[life_site];
    for (uintptr_t i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&workers[i], NULL, work, (void *)(i + 1)), 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    while (!all_over())
        step(&seed, false);

    ck_assert_uint_ge(transitions, TRANSITIONS);
    ck_assert_uint_eq(site->created, model_created);
    ck_assert_uint_eq(site->joined, model_joined);
    ck_assert_uint_eq(state.header->joined, model_joined);
    ck_assert_uint_eq(site->detached, model_detached);
    ck_assert_uint_eq(state.header->dropped, model_dropped);
    ck_assert_uint_eq(state.header->ended, model_created);
    ck_assert_uint_eq(site->ended_joinable + site->ended_detached, model_created);
    ck_assert_int_eq(live(site), 0);
    ck_assert_int_eq(unjoined(site), 0);
    ck_assert_int_eq(ledger_live(state.header), 0);
    ck_assert_uint_eq(state.header->lost_events, 0);
    ck_assert_int_gt(state.header->peak, 1);
    ck_assert_int_le(state.header->peak, LIVES + WORKERS);
    /* Recycled: no more slots than could be in use at once, all free again. */
    ck_assert_uint_le(state.header->sections[SECTION_SLOTS].used, LIVES + 2 * WORKERS);
    for (uint32_t i = 0; i < state.header->sections[SECTION_SLOTS].used; i++)
        ck_assert(is_free(&state.slots[i]));
}
END_TEST

/* ---- current stacks -------------------------------------------------------------- */

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
    TCase *tcase = tcase_create("transitions");
    tcase_add_checked_fixture(tcase, begin, finish);
    tcase_add_test(tcase, join_counts_and_frees);
    tcase_add_test(tcase, failed_join_puts_back);
    tcase_add_test(tcase, failed_join_of_one_detached_and_ended_meanwhile_frees);
    tcase_add_test(tcase, of_two_who_poll_either_may_join);
    tcase_add_test(tcase, join_and_detach_before_it_runs);
    tcase_add_test(tcase, behind_another_library_by_thread_local_storage);
    tcase_add_test(tcase, behind_another_library_before_it_runs);
    tcase_add_test(tcase, late_detach_does_not_reach_the_new_thread);
    tcase_add_test(tcase, unused_memory_is_given_back);
    tcase_add_test(tcase, creator_comes_back_when_the_slot_is_anothers);
    tcase_add_test(tcase, detach_before_and_after_the_end);
    tcase_add_test(tcase, dropped_leaves_no_trace);
    tcase_add_test(tcase, recycled_handle_is_the_new_thread);
    tcase_add_test(tcase, equal_backtraces_are_one_site);
    tcase_add_test(tcase, index_grows_and_empties);
    tcase_add_test(tcase, full_ledger_counts_what_it_loses);
    tcase_add_test(tcase, random_lives_match_the_model);
    tcase_add_test(tcase, a_newer_request_begins_anew_and_an_older_is_late);
    tcase_add_test(tcase, generations_go_round);
    tcase_add_test(tcase, a_full_current_section_takes_no_more);
    return suite_run("ledger_write", tcase);
}
