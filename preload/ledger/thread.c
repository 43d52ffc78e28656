/* See guard.h for the rules of code in preload/. */
#include "preload/ledger/thread.h"

#include <string.h>

#include "preload/shim/guard.h"
#include "preload/ledger/room.h"
#include "preload/ledger/module.h"

#define RELAXED memory_order_relaxed

static uint32_t slot_number(const struct shim_state *state, const struct ledger_slot *slot)
{
    return (uint32_t)(slot - state->slots);
}

static void raise_peak(_Atomic int64_t *peak, int64_t live)
{
    int64_t known = atomic_load_explicit(peak, RELAXED);
    while (live > known && !atomic_compare_exchange_weak(peak, &known, live))
        ;
}

int64_t ledger_live(const struct ledger_header *header)
{
    uint64_t ended = atomic_load(&header->ended); /* first: never more than began */
    return (int64_t)(atomic_load(&header->next_serial) - (LEDGER_MAIN_SERIAL + 1) -
                     atomic_load(&header->dropped) - ended);
}

/*
 * How many were alive at one moment.  What ends in two ways between the reads would
 * be counted as alive still, and there is no bound to how much that is where a
 * processor is scarce: so the ends are read last, and the number is no higher than
 * it was when the beginnings were read.
 */
static int64_t live_now(const _Atomic uint64_t *began, const _Atomic uint64_t *ended,
                        const _Atomic uint64_t *ended_too)
{
    uint64_t before = atomic_load(began);
    return (int64_t)(before - atomic_load(ended) - atomic_load(ended_too));
}

/*
 * What the peaks would be with this thread.  Threads that were joined have
 * ended, so the number not joined bounds the number alive: only when that is
 * above the peak is the exact number asked for, whose other half lies on the
 * children's cache lines.
 */
static void note_peaks(struct shim_state *state, const struct ledger_site *site, int64_t live_then[2])
{
    live_then[0] = live_then[1] = 0;
    struct ledger_header *header = state->header;
    int64_t bound = (int64_t)(atomic_load_explicit(&site->created, RELAXED) -
                              atomic_load_explicit(&site->joined, RELAXED));
    if (bound > atomic_load_explicit(&site->peak, RELAXED))
        live_then[0] = live_now(&site->created, &site->ended_joinable, &site->ended_detached);
    bound = (int64_t)(atomic_load_explicit(&header->next_serial, RELAXED) - (LEDGER_MAIN_SERIAL + 1) -
                      atomic_load_explicit(&header->dropped, RELAXED) -
                      atomic_load_explicit(&header->joined, RELAXED));
    if (bound > atomic_load_explicit(&header->peak, RELAXED))
        live_then[1] =
            live_now(&header->next_serial, &header->ended, &header->dropped) - (LEDGER_MAIN_SERIAL + 1);
}

/* ---- the slots: a free list with a tag against ABA ----------------------- */

static struct ledger_slot *take_slot(struct shim_state *state)
{
    _Atomic uint64_t *head = &state->header->free_head;
    uint64_t old = atomic_load(head);
    while ((uint32_t)old) {
        struct ledger_slot *slot = &state->slots[(uint32_t)old - 1];
        uint64_t next = ((old >> 32) + 1) << 32 | atomic_load_explicit(&slot->next_free, RELAXED);
        if (atomic_compare_exchange_weak(head, &old, next))
            return slot;
    }
    uint32_t fresh = ledger_take(state, SECTION_SLOTS, 1);
    return fresh < INDEX_VALUE_MAX ? &state->slots[fresh] : NULL;
}

static void give_slot(struct shim_state *state, struct ledger_slot *slot)
{
    _Atomic uint64_t *head = &state->header->free_head;
    uint32_t number = slot_number(state, slot);
    atomic_store(&slot->serial, 0);
    uint64_t old = atomic_load(head);
    uint64_t mine;
    do {
        atomic_store_explicit(&slot->next_free, (uint32_t)old, RELAXED);
        mine = ((old >> 32) + 1) << 32 | (number + 1);
    } while (!atomic_compare_exchange_weak(head, &old, mine));
}

static bool is_over(uint32_t bits)
{
    bool released = (bits & SLOT_JOINED) || ((bits & SLOT_DETACHED) && !(bits & SLOT_JOINING));
    return released && (bits & SLOT_ENDED);
}

/*
 * Sets bits, and gives the slot back when that completed its life.  Only one
 * caller sees the change from not over to over.  Returns the bits before.
 */
static uint32_t set_bits(struct shim_state *state, struct ledger_slot *slot, uint32_t bits)
{
    uint32_t before = atomic_fetch_or(&slot->state, bits);
    if (!is_over(before) && is_over(before | bits))
        give_slot(state, slot);
    return before;
}

static void clear_bits(struct shim_state *state, struct ledger_slot *slot, uint32_t bits)
{
    uint32_t before = atomic_fetch_and(&slot->state, ~bits);
    if (!is_over(before) && is_over(before & ~bits))
        give_slot(state, slot);
}

/* ---- creation --------------------------------------------------------------- */

struct ledger_slot *thread_new(struct shim_state *state, struct new_thread *thread)
{
    struct ledger_slot *slot = take_slot(state);
    if (!slot) {
        atomic_fetch_add(&state->header->lost_events, 1);
        return NULL;
    }
    const struct ledger_site *site = &state->sites[thread->site];
    atomic_store_explicit(
        &slot->state, (thread->detached ? SLOT_DETACHED : 0u) | (thread->small_stack ? SLOT_SMALL_STACK : 0u),
        RELAXED);
    slot->site = thread->site;
    atomic_store_explicit(&slot->handle, 0, RELAXED);
    slot->start = thread->start;
    slot->arg = thread->arg;
    slot->start_pc = thread->start == site->start ? site->start_pc : module_encode(state, thread->start);
    slot->created_ns = thread->now_ns;
    slot->created_by = thread->created_by;
    atomic_store_explicit(&slot->ended_ns, 0, RELAXED);
    atomic_store_explicit(&slot->tid, 0, RELAXED);
    atomic_store_explicit(&slot->name_seq, 0, RELAXED);
    atomic_store_explicit(&slot->sample_state, 0, RELAXED);
    uint64_t serial = atomic_fetch_add(&state->header->next_serial, 1);
    atomic_store_explicit(&slot->serial, serial, memory_order_release);

    /* Counted before it can run: it must not be seen to have ended first. */
    struct ledger_site *counters = &state->sites[thread->site];
    atomic_fetch_add(&counters->created, 1);
    if (thread->detached)
        atomic_fetch_add(&counters->detached, 1);
    note_peaks(state, counters, thread->live_then);
    return slot;
}

void thread_dropped(struct shim_state *state, struct ledger_slot *slot)
{
    struct ledger_site *site = &state->sites[slot->site];
    if (atomic_load_explicit(&slot->state, RELAXED) & SLOT_DETACHED)
        atomic_fetch_sub(&site->detached, 1);
    atomic_fetch_sub(&site->created, 1);
    atomic_fetch_add(&state->header->dropped, 1);
    give_slot(state, slot);
}

void thread_created(struct shim_state *state, const struct new_thread *thread)
{
    raise_peak(&state->sites[thread->site].peak, thread->live_then[0]);
    raise_peak(&state->header->peak, thread->live_then[1]);
}

static void mark_detached(struct shim_state *state, struct ledger_slot *slot)
{
    struct ledger_site *site = &state->sites[slot->site];
    uint32_t before = set_bits(state, slot, SLOT_DETACHED);
    if (before & SLOT_DETACHED)
        return;
    atomic_fetch_add(&site->detached, 1);
    if (before & SLOT_ENDED)
        atomic_fetch_add(&site->detached_late, 1);
}

void thread_started(struct shim_state *state, struct ledger_slot *slot, pthread_t self, int32_t tid)
{
    atomic_store_explicit(&slot->tid, tid, RELAXED);
    atomic_store_explicit(&slot->handle, (uint64_t)self, RELAXED);
    atomic_fetch_or(&slot->state, SLOT_STARTED);
    /* After the slot stands in our TLS: a detach looks the other way round. */
    if (atomic_load(&shim_tls.early_detach))
        mark_detached(state, slot);
}

/* ---- the end ------------------------------------------------------------------ */

void thread_ended(struct shim_state *state, struct ledger_slot *slot, uint64_t now_ns)
{
    struct ledger_site *site = &state->sites[slot->site];
    atomic_store_explicit(&slot->ended_ns, now_ns, RELAXED);
    atomic_fetch_add(&state->header->ended, 1);
    uint32_t before = set_bits(state, slot, SLOT_ENDED);
    atomic_fetch_add(before & SLOT_DETACHED ? &site->ended_detached : &site->ended_joinable, 1);
}

/* ---- from a handle to the record ------------------------------------------------ */

static uint64_t word_at(pthread_t handle, int32_t offset)
{
    return *(const uint64_t *)((const char *)handle + offset);
}

static struct ledger_slot *slot_of_descriptor(const struct shim_state *state, pthread_t handle)
{
    int32_t offset = shim_config.start_offset;
    if (offset < 0)
        return NULL;
    uint64_t start = word_at(handle, offset), arg = word_at(handle, offset + (int32_t)sizeof(void *));
    uint64_t first = (uint64_t)state->slots;
    bool ours = start == shim_config.trampolines[0] || start == shim_config.trampolines[1];
    if (!ours || arg < first || arg >= (uint64_t)(state->slots + state->header->sections[SECTION_SLOTS].cap))
        return NULL;
    return (struct ledger_slot *)arg;
}

static struct shim_tls *tls_of(pthread_t handle)
{
    return (struct shim_tls *)((char *)handle + shim_config.tls_offset);
}

struct thread_ref thread_find(const struct shim_state *state, pthread_t handle)
{
    struct thread_ref thread = {slot_of_descriptor(state, handle), 0};
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

/* ---- detach --------------------------------------------------------------------- */

struct detach detach_begin(struct shim_state *state, pthread_t handle)
{
    struct detach detach = {.state = state, .handle = handle};
    if (!state)
        return detach;
    detach.thread = thread_find(state, handle);
    if (detach.thread.slot)
        return detach;
    /* It may just not run yet, and after the real call its memory may be gone.
     * Told to its TLS first, and looked for again: one of us sees the other. */
    atomic_store(&tls_of(handle)->early_detach, true);
    detach.thread = thread_find(state, handle);
    return detach;
}

void detach_end(const struct detach *detach, bool detached)
{
    if (!detach->state || !detached || !is_same(&detach->thread))
        return;
    mark_detached(detach->state, detach->thread.slot);
}

/* ---- join ----------------------------------------------------------------------- */

struct join join_begin(struct shim_state *state, pthread_t handle)
{
    struct join join = {.state = state, .handle = handle};
    if (!state)
        return join;
    join.thread = thread_find(state, handle);
    if (join.thread.slot)
        join.marked = !(atomic_fetch_or(&join.thread.slot->state, SLOT_JOINING) & SLOT_JOINING);
    return join;
}

/*
 * One that was joined before we could find it has run and ended by now; so may
 * have the next one of its handle: the older is taken.  Whoever then misses the
 * younger comes here too, so that each join counts once.
 */
static struct ledger_slot *find_ended(struct shim_state *state, pthread_t handle)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    struct ledger_slot *oldest = NULL;
    uint64_t oldest_serial = UINT64_MAX;
    for (uint32_t i = 0; i < used; i++) {
        struct ledger_slot *slot = &state->slots[i];
        uint64_t serial = atomic_load(&slot->serial);
        uint32_t bits = atomic_load(&slot->state);
        if (serial == 0 || serial >= oldest_serial || atomic_load(&slot->handle) != (uint64_t)handle ||
            !(bits & SLOT_ENDED) || bits & (SLOT_JOINED | SLOT_DETACHED))
            continue;
        oldest = slot;
        oldest_serial = serial;
    }
    return oldest;
}

static void note_join_place(struct shim_state *state, struct ledger_site *site, void *caller)
{
    uint64_t raw = (uint64_t)caller;
    if (atomic_load_explicit(&site->join_raw, RELAXED) == raw)
        return;
    atomic_store_explicit(&site->join_pc, module_encode(state, raw), RELAXED);
    atomic_store_explicit(&site->join_raw, raw, RELAXED);
}

void join_end(const struct join *join, bool joined, void *caller)
{
    struct shim_state *state = join->state;
    struct ledger_slot *slot = join->thread.slot;
    if (!state)
        return;
    if (!joined) {
        if (join->marked && is_same(&join->thread))
            clear_bits(state, slot, SLOT_JOINING);
        return;
    }
    if (!is_same(&join->thread))
        slot = find_ended(state, join->handle);
    if (!slot)
        return;
    struct ledger_site *site = &state->sites[slot->site];
    note_join_place(state, site, caller);
    atomic_fetch_add(&site->joined, 1);
    atomic_fetch_add(&state->header->joined, 1);
    /* It has ended, also when its destructors never ran: by a system call. */
    uint32_t before = set_bits(state, slot, SLOT_JOINED | SLOT_ENDED);
    if (!(before & SLOT_ENDED)) {
        atomic_fetch_add(&state->header->ended, 1);
        atomic_fetch_add(&site->ended_joinable, 1);
    }
}

/* ---- names ---------------------------------------------------------------------- */

void thread_named(struct ledger_slot *slot, const char *name)
{
    uint64_t words[2] = {0, 0};
    memcpy(words, name, strnlen(name, sizeof(words) - 1));
    uint32_t seq = atomic_load(&slot->name_seq);
    if (seq & 1 || !atomic_compare_exchange_strong(&slot->name_seq, &seq, seq + 1))
        return; /* two at once: either name is right */
    atomic_store_explicit(&slot->name[0], words[0], RELAXED);
    atomic_store_explicit(&slot->name[1], words[1], RELAXED);
    atomic_store_explicit(&slot->name_seq, seq + 2, memory_order_release);
}
