/*
 * The ledger writer, called directly: what each transition counts, and 100,000
 * random lives of threads by 8 real threads against a model, with handles that
 * are used again the moment the system might do so.
 */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "ledger_map.h"
#include "ledger_write.h"
#include "site.h"

/* What start.c keeps in the shim. */
struct shim_state *shim_state;
struct shim_config shim_config = {.tid_offset = -1};
__thread struct shim_tls shim_tls;
struct shim_state *shim_attach(void)
{
    return NULL;
}

#define LEVELS 4
static struct shim_state state;
static char *memory;

static void begin(void)
{
    size_t size = index_bytes(LEVELS);
    memset(&state, 0, sizeof(state));
    memory = calloc(3, size);
    ck_assert_ptr_nonnull(memory);
    index_init(&state.handles, memory, LEVELS);
    index_init(&state.raw, memory + size, LEVELS);
    index_init(&state.settled, memory + 2 * size, LEVELS);
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
    struct capture capture = {.count = 2, .frames = {(void *)make_site, (void *)begin}};
    return site_of(&state, &capture, (uint64_t)make_site);
}

static int64_t unjoined(const struct ledger_site *site)
{
    return (int64_t)(site->ended_joinable - site->joined - site->detached_late);
}

static int64_t live(const struct ledger_site *site)
{
    return (int64_t)(site->created - site->ended_joinable - site->ended_detached);
}

static struct ledger_slot *new_thread(uint32_t site, bool detached)
{
    struct new_thread thread = {.site = site, .start = 1, .now_ns = 5, .detached = detached};
    struct ledger_slot *slot = thread_new(&state, &thread);
    ck_assert_ptr_nonnull(slot);
    return slot;
}

static struct ledger_slot *run_thread(uint32_t site, pthread_t handle)
{
    struct ledger_slot *slot = new_thread(site, false);
    thread_started(&state, slot, handle, 7);
    thread_created(&state, slot, &handle);
    return slot;
}

static bool is_free(const struct ledger_slot *slot)
{
    return atomic_load(&slot->serial) == 0;
}

START_TEST(join_counts_and_frees)
{
    uint32_t number = make_site();
    struct ledger_site *site = &state.sites[number];
    struct ledger_slot *slot = run_thread(number, 0x7000);
    ck_assert_int_eq(live(site), 1);
    ck_assert_ptr_eq(thread_find(&state, 0x7000), slot);
    thread_ended(&state, slot, 9);
    ck_assert_int_eq(unjoined(site), 1);
    ck_assert(!is_free(slot));
    struct join join = join_begin(&state, 0x7000);
    ck_assert_ptr_eq(join.slot, slot);
    join_end(&join, true, NULL);
    ck_assert_int_eq(site->joined, 1);
    ck_assert_int_eq(unjoined(site), 0);
    ck_assert(is_free(slot));
    ck_assert_ptr_null(thread_find(&state, 0x7000));
    ck_assert_int_eq(ledger_live(state.header), 0);
}
END_TEST

START_TEST(failed_join_puts_back)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = run_thread(number, 0x7000);
    struct join first = join_begin(&state, 0x7000);
    struct join second = join_begin(&state, 0x7000);
    ck_assert_ptr_null(second.slot);
    join_end(&second, false, NULL);
    join_end(&first, false, NULL);
    ck_assert_int_eq(state.sites[number].joined, 0);
    ck_assert_ptr_eq(thread_find(&state, 0x7000), slot);
}
END_TEST

START_TEST(failed_join_of_one_detached_and_ended_meanwhile_frees)
{
    struct ledger_slot *slot = run_thread(make_site(), 0x7000);
    struct join join = join_begin(&state, 0x7000);
    thread_detached(&state, slot);
    thread_ended(&state, slot, 9);
    ck_assert(!is_free(slot));
    join_end(&join, false, NULL);
    ck_assert(is_free(slot));
}
END_TEST

START_TEST(join_that_missed_the_start_finds_the_ended)
{
    uint32_t number = make_site();
    struct ledger_slot *slot = new_thread(number, false);
    pthread_t handle = 0x7000;
    struct join join = join_begin(&state, handle);
    ck_assert_ptr_null(join.slot);
    thread_started(&state, slot, handle, 7);
    thread_ended(&state, slot, 9);
    join_end(&join, true, NULL);
    ck_assert_int_eq(state.sites[number].joined, 1);
    thread_created(&state, slot, &handle);
    ck_assert(is_free(slot));
}
END_TEST

START_TEST(creator_is_the_last_to_let_go)
{
    struct ledger_slot *slot = new_thread(make_site(), true);
    pthread_t handle = 0x7000;
    thread_started(&state, slot, handle, 7);
    thread_ended(&state, slot, 9);
    ck_assert(!is_free(slot));
    thread_created(&state, slot, &handle);
    ck_assert(is_free(slot));
}
END_TEST

START_TEST(detach_before_and_after_the_end)
{
    uint32_t number = make_site();
    struct ledger_site *site = &state.sites[number];
    struct ledger_slot *early = run_thread(number, 0x7000), *late = run_thread(number, 0x8000);
    thread_detached(&state, early);
    thread_ended(&state, early, 9);
    ck_assert(is_free(early));
    thread_ended(&state, late, 9);
    ck_assert_int_eq(unjoined(site), 1);
    thread_detached(&state, late);
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
    run_thread(number, 0x7000);
    ck_assert_int_eq(state.header->peak, 1);
    ck_assert_int_eq(state.sites[number].peak, 1);
}
END_TEST

START_TEST(recycled_handle_is_the_new_thread)
{
    uint32_t number = make_site();
    struct ledger_slot *old = run_thread(number, 0x7000);
    thread_ended(&state, old, 9);
    struct join join = join_begin(&state, 0x7000);
    /* The real join is through: the system may give the handle away at once. */
    struct ledger_slot *young = run_thread(number, 0x7000);
    ck_assert_ptr_eq(thread_find(&state, 0x7000), young);
    join_end(&join, true, NULL);
    ck_assert_ptr_eq(thread_find(&state, 0x7000), young);
    ck_assert(is_free(old));
}
END_TEST

START_TEST(equal_backtraces_are_one_site)
{
    uint32_t first = make_site(), used = state.header->sites_used;
    ck_assert_int_eq(make_site(), first);
    for (int i = 0; i < 1000; i++) {
        site_forget_addresses(&state); /* dlclose: settled again, and found again */
        ck_assert_int_eq(make_site(), first);
    }
    ck_assert_int_eq(state.header->sites_used, used);
}
END_TEST

START_TEST(index_grows_and_empties)
{
    const uint32_t many = 30000;
    for (uint32_t i = 0; i < many; i++)
        ck_assert(index_insert(&state.handles, i * 64ull + 7, i));
    ck_assert_int_gt(state.handles.top, 1);
    for (uint32_t i = 0; i < many; i++)
        index_remove(&state.handles, i * 64ull + 7, i);
    for (size_t i = 0; i < index_bytes(LEVELS) / 8; i++)
        ck_assert_uint_eq(((uint64_t *)memory)[i], 0);
}
END_TEST

START_TEST(full_ledger_counts_what_it_loses)
{
    uint32_t site = make_site();
    state.header->slots_cap = 3;
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
    [CREATED] = 1 << NEW,
    [STARTED] = 1 << NEW,
    [ENDED] = 1 << STARTED,
    [RELEASED] = 1 << CREATED,
};

struct life {
    _Atomic unsigned claimed, done; /* bits of parts */
    _Atomic bool in_use_again;      /* the system has given its handle away */
    struct ledger_slot *slot;
    pthread_t handle;
    bool detached, by_detach;
};

static struct life lives[LIVES];
static _Atomic uint64_t model_created, model_joined, model_detached, model_dropped, transitions;
static _Atomic pthread_t next_handle = 0x10000;
static _Atomic pthread_t spare_handle; /* one to be used again */
static uint32_t life_site;

static pthread_t take_handle(void)
{
    pthread_t handle = atomic_exchange(&spare_handle, 0);
    return handle ? handle : atomic_fetch_add(&next_handle, 64);
}

static void do_new(struct life *life, unsigned *seed)
{
    life->detached = rand_r(seed) % 4 == 0;
    life->by_detach = rand_r(seed) % 2;
    struct new_thread thread = {.site = life_site, .start = 1, .detached = life->detached};
    life->slot = thread_new(&state, &thread);
    if (rand_r(seed) % 16 == 0) {
        thread_dropped(&state, life->slot);
        atomic_fetch_add(&model_dropped, 1);
        life->slot = thread_new(&state, &thread);
    }
    life->handle = take_handle();
    atomic_fetch_add(&model_created, 1);
    atomic_fetch_add(&model_detached, life->detached);
}

/* True when the thread is joined or detached; a join before its end fails. */
static bool do_release(struct life *life, bool ended)
{
    if (life->detached)
        return true;
    if (life->by_detach) {
        struct ledger_slot *slot = thread_find(&state, life->handle);
        ck_assert_ptr_eq(slot, life->slot);
        thread_detached(&state, slot);
        atomic_fetch_add(&model_detached, 1);
        return true;
    }
    struct join join = join_begin(&state, life->handle);
    ck_assert_ptr_eq(join.slot, life->slot);
    if (ended)
        atomic_store(&spare_handle, life->handle); /* before join_end, as the system may */
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
        thread_created(&state, life->slot, &life->handle);
        return true;
    case STARTED:
        thread_started(&state, life->slot, life->handle, 7);
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
    ck_assert_uint_le(state.header->slots_used, LIVES + 2 * WORKERS);
    for (uint32_t i = 0; i < state.header->slots_used; i++)
        ck_assert(is_free(&state.slots[i]));
    for (size_t i = 0; i < index_bytes(LEVELS) / 8; i++)
        ck_assert_uint_eq(((uint64_t *)memory)[i], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger_write");
    TCase *tcase = tcase_create("transitions");
    tcase_add_checked_fixture(tcase, begin, finish);
    tcase_add_test(tcase, join_counts_and_frees);
    tcase_add_test(tcase, failed_join_puts_back);
    tcase_add_test(tcase, failed_join_of_one_detached_and_ended_meanwhile_frees);
    tcase_add_test(tcase, join_that_missed_the_start_finds_the_ended);
    tcase_add_test(tcase, creator_is_the_last_to_let_go);
    tcase_add_test(tcase, detach_before_and_after_the_end);
    tcase_add_test(tcase, dropped_leaves_no_trace);
    tcase_add_test(tcase, recycled_handle_is_the_new_thread);
    tcase_add_test(tcase, equal_backtraces_are_one_site);
    tcase_add_test(tcase, index_grows_and_empties);
    tcase_add_test(tcase, full_ledger_counts_what_it_loses);
    tcase_add_test(tcase, random_lives_match_the_model);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
