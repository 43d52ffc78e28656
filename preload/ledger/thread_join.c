#include "preload/ledger/thread_join.h"

#include "preload/ledger/descriptor.h"
#include "preload/ledger/module.h"
#include "preload/ledger/slot.h"
#include "preload/ledger/thread_key.h"
#include "preload/shim/guard.h"
#include "preload/shim/on_stack.h"

#define RELAXED memory_order_relaxed

static struct shim_tls *tls_of(pthread_t handle)
{
    return (struct shim_tls *)((char *)handle + shim_config.tls_offset);
}

struct thread_ref thread_find(const struct shim_state *state, pthread_t handle)
{
    struct thread_ref thread = {descriptor_slot(state, handle), 0};
    if (thread.slot) {
        thread.serial = atomic_load(&thread.slot->serial);
        return thread;
    }
    const struct shim_tls *tls = tls_of(handle);
    if (tls->slot && tls->epoch == state->epoch && atomic_load(&tls->slot->serial) == tls->serial)
        thread = (struct thread_ref){tls->slot, tls->serial};
    return thread;
}

static bool is_same(const struct thread_ref *thread)
{
    return thread->slot && atomic_load(&thread->slot->serial) == thread->serial;
}

/* ---- places ---------------------------------------------------------------------- */

struct call_place {
    struct shim_state *state;
    _Atomic uint64_t *pc;
    uint64_t address;
};

static void store_place(void *arg)
{
    const struct call_place *place = arg;
    atomic_store_explicit(place->pc, module_encode(place->state, place->address), RELAXED);
}

/* Counts a join at its place, which it adds if there is room. */
static void count_join_place(struct shim_state *state, struct ledger_site *site, void *caller)
{
    uint32_t generation = atomic_load_explicit(&state->header->generation, RELAXED);
    uint64_t raw = ledger_call_raw((uint64_t)caller, generation), seen = 0;
    uint32_t i = 0;
    while (i < LEDGER_JOIN_PLACES && (seen = atomic_load_explicit(&site->join_raw[i], RELAXED)) != raw &&
           (seen || !atomic_compare_exchange_strong(&site->join_raw[i], &seen, raw)) && seen != raw)
        i++;
    if (i == LEDGER_JOIN_PLACES)
        return;
    atomic_fetch_add_explicit(&site->joined_at[i], 1, RELAXED);
    struct call_place place = {state, &site->join_pc[i], (uint64_t)caller};
    if (!atomic_load_explicit(place.pc, RELAXED))
        on_new_stack(store_place, &place);
}

/* Only the first: places that take turns would cost each detach a new stack. */
static void note_detach_place(struct shim_state *state, struct ledger_site *site, void *caller)
{
    struct call_place place = {state, &site->detach_pc, (uint64_t)caller};
    if (!atomic_load_explicit(place.pc, RELAXED))
        on_new_stack(store_place, &place);
}

/* ---- detach --------------------------------------------------------------------- */

struct detach detach_begin(struct shim_state *state, pthread_t handle)
{
    struct detach detach = {.handle = handle};
    if (!state)
        return detach;
    detach.thread = thread_find(state, handle);
    if (detach.thread.slot)
        detach.before = atomic_load(&detach.thread.slot->state);
    if (detach.thread.slot)
        return detach;
    /* The thread may not run yet, and its memory can be gone after the real call. This writes its TLS, then
     * reads the slot again, so that one of the two threads sees the other. */
    atomic_store(&tls_of(handle)->early_detach, true);
    detach.thread = thread_find(state, handle);
    return detach;
}

void detach_end(struct shim_state *state, const struct detach *detach, bool detached, void *caller)
{
    if (!state || !detached || !is_same(&detach->thread))
        return;
    note_detach_place(state, &state->sites[detach->thread.slot->site], caller);
    slot_detached(state, detach->thread.slot);
}

/* ---- join ----------------------------------------------------------------------- */

struct join join_begin(struct shim_state *state, pthread_t handle)
{
    struct join join = {.handle = handle};
    if (!state)
        return join;
    join.thread = thread_find(state, handle);
    if (join.thread.slot)
        join.before = atomic_fetch_or(&join.thread.slot->state, SLOT_JOINING);
    join.marked = join.thread.slot && !(join.before & SLOT_JOINING);
    return join;
}

/* Finds a thread that join_begin did not find: it has run and ended by now, which only our key would have
 * shown. A newer thread with the same handle can have ended, too. The older one is taken, so that each join
 * counts once. */
static struct ledger_slot *find_ended(struct shim_state *state, pthread_t handle)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS), ended = thread_key_is_taken() ? SLOT_ENDED : 0;
    struct ledger_slot *oldest = NULL;
    uint64_t oldest_serial = UINT64_MAX;
    for (uint32_t i = 0; i < used; i++) {
        struct ledger_slot *slot = &state->slots[i];
        uint64_t serial = atomic_load(&slot->serial);
        uint32_t bits = atomic_load(&slot->state);
        if (serial == 0 || serial >= oldest_serial || atomic_load(&slot->handle) != (uint64_t)handle ||
            (bits & ended) != ended || bits & (SLOT_JOINED | SLOT_DETACHED | SLOT_RELEASED))
            continue;
        oldest = slot;
        oldest_serial = serial;
    }
    return oldest;
}

void join_end(struct shim_state *state, const struct join *join, bool joined, void *caller)
{
    struct ledger_slot *slot = join->thread.slot;
    if (!state)
        return;
    if (!joined) {
        if (join->marked && is_same(&join->thread))
            slot_clear(state, slot, SLOT_JOINING);
        return;
    }
    if (!is_same(&join->thread))
        slot = find_ended(state, join->handle);
    if (!slot)
        return;
    struct ledger_site *site = &state->sites[slot->site];
    count_join_place(state, site, caller);
    atomic_fetch_add(&site->joined, 1);
    atomic_store_explicit(&slot->joined_ns, shim_coarse_ns(), RELAXED);
    /* The thread has ended, even if by a system call, without destructors. */
    uint32_t before = slot_set(state, slot, SLOT_JOINED | SLOT_ENDED);
    if (!(before & SLOT_ENDED))
        atomic_fetch_add(&site->ended_joinable, 1);
}
