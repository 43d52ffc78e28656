/* The ledger writer against a model: 8 threads do 100,000 transitions of random threads, whose handles are
 * used again the moment the system might do so. */
#include <stdatomic.h>
#include <stdlib.h>

#include "suite.h"
#include "writer_made.h"

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
        detach_end(&state, &detaching, true, NULL);
        atomic_fetch_add(&model_detached, 1);
        return true;
    }
    struct join join = join_begin(&state, handle);
    ck_assert_ptr_eq(join.thread.slot, life->slot);
    if (ended)
        give_descriptor(life);
    join_end(&state, &join, ended, NULL);
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
    ck_assert_uint_eq(state.header->over, model_created);
    ck_assert_uint_eq(site->detached, model_detached);
    ck_assert_uint_eq(state.header->dropped, model_dropped);
    ck_assert_uint_eq(site->ended_joinable + site->ended_detached, model_created);
    ck_assert_int_eq(live(site), 0);
    ck_assert_int_eq(unjoined(site), 0);
    ck_assert_int_eq(ledger_live(&state), 0);
    ck_assert_uint_eq(state.header->lost_events, 0);
    ck_assert_int_gt(state.header->peak, 1);
    ck_assert_int_le(state.header->peak, LIVES + WORKERS);
    /* Recycled: no more slots than could be in use at once, all free again. */
    ck_assert_uint_le(state.header->sections[SECTION_SLOTS].used, LIVES + 2 * WORKERS);
    for (uint32_t i = 0; i < state.header->sections[SECTION_SLOTS].used; i++)
        ck_assert(is_free(&state.slots[i]));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("lives");
    tcase_add_checked_fixture(tcase, writer_begin, writer_finish);
    tcase_add_test(tcase, random_lives_match_the_model);
    return suite_run("ledger_write_lives", tcase);
}
