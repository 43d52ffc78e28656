#include "preload/ledger/slot.h"

#include "preload/ledger/section.h"
#include "preload/shim/guard.h"

#define RELAXED memory_order_relaxed

/*
 * A free list has a tag in the upper half of its head, against ABA. A thread gives slots to its own list and
 * takes them from there: then the slot and the head of the list are in the cache of its processor. If that is
 * empty, it takes one from another list.
 */

static _Atomic uint64_t *free_list(const struct shim_state *state, uint32_t number)
{
    return &state->header->free[number % LEDGER_FREE_LISTS].head;
}

/* Thread-local storage of two threads is at least a page apart. */
static uint32_t own_list(void)
{
    return (uint32_t)((uintptr_t)&shim_tls >> 12) * 0x9e3779b9u >> 28;
}

static uint32_t slot_number(const struct shim_state *state, const struct ledger_slot *slot)
{
    return (uint32_t)(slot - state->slots);
}

static struct ledger_slot *take_from(struct shim_state *state, _Atomic uint64_t *head)
{
    uint64_t old = atomic_load(head);
    while ((uint32_t)old) {
        struct ledger_slot *slot = &state->slots[(uint32_t)old - 1];
        uint64_t next = ((old >> 32) + 1) << 32 | atomic_load_explicit(&slot->next_free, RELAXED);
        if (atomic_compare_exchange_weak(head, &old, next))
            return slot;
    }
    return NULL;
}

struct ledger_slot *slot_take(struct shim_state *state)
{
    uint32_t own = own_list();
    for (uint32_t i = 0; i < LEDGER_FREE_LISTS; i++) {
        struct ledger_slot *slot = take_from(state, free_list(state, own + i));
        if (slot)
            return slot;
    }
    uint32_t fresh = ledger_take(state, SECTION_SLOTS, 1);
    return fresh < INDEX_VALUE_MAX ? &state->slots[fresh] : NULL;
}

void slot_give(const struct shim_state *state, struct ledger_slot *slot)
{
    _Atomic uint64_t *head = free_list(state, own_list());
    uint32_t number = slot_number(state, slot);
    atomic_store_explicit(&slot->serial, 0, memory_order_release);
    uint64_t old = atomic_load(head);
    uint64_t mine;
    do {
        atomic_store_explicit(&slot->next_free, (uint32_t)old, RELAXED);
        mine = ((old >> 32) + 1) << 32 | (number + 1);
    } while (!atomic_compare_exchange_weak(head, &old, mine));
}

/* Four births are in one cache line, and the slots of several creators follow each other. So of each 64 slots
 * those in a row have births in different lines. */
static uint32_t birth_of_slot(uint32_t number)
{
    return (number & ~63u) | (number & 15u) << 2 | (number >> 4 & 3u);
}

static uint32_t slot_of_birth_number(uint32_t number)
{
    return (number & ~63u) | (number & 3u) << 4 | (number >> 2 & 15u);
}

void *slot_birth(const struct shim_state *state, const struct ledger_slot *slot)
{
    return &state->births[birth_of_slot(slot_number(state, slot))];
}

struct ledger_slot *slot_of_birth(const struct shim_state *state, const void *birth)
{
    size_t offset = (size_t)((const char *)birth - (const char *)state->births);
    if (offset >= STATE_BIRTHS * sizeof(*state->births))
        return NULL;
    uint32_t number = slot_of_birth_number((uint32_t)(offset / sizeof(*state->births)));
    return number < state->header->sections[SECTION_SLOTS].cap ? &state->slots[number] : NULL;
}

static void slot_over(const struct shim_state *state, struct ledger_slot *slot)
{
    slot->arg = atomic_load_explicit(&slot->serial, RELAXED);
    atomic_fetch_add(&state->header->over, 1);
    slot_give(state, slot);
}

/* Exactly one caller sees the change that completes the life of the slot. */
uint32_t slot_set(const struct shim_state *state, struct ledger_slot *slot, uint32_t bits)
{
    uint32_t before = atomic_fetch_or(&slot->state, bits);
    if (!ledger_is_over(before) && ledger_is_over(before | bits))
        slot_over(state, slot);
    return before;
}

bool slot_set_from(const struct shim_state *state, struct ledger_slot *slot, uint32_t before, uint32_t bits)
{
    if (!atomic_compare_exchange_strong(&slot->state, &before, before | bits))
        return false;
    if (!ledger_is_over(before) && ledger_is_over(before | bits))
        slot_over(state, slot);
    return true;
}

void slot_clear(const struct shim_state *state, struct ledger_slot *slot, uint32_t bits)
{
    uint32_t before = atomic_fetch_and(&slot->state, ~bits);
    if (!ledger_is_over(before) && ledger_is_over(before & ~bits))
        slot_over(state, slot);
}

void slot_detached(const struct shim_state *state, struct ledger_slot *slot)
{
    struct ledger_site *site = &state->sites[slot->site];
    uint32_t before = slot_set(state, slot, SLOT_DETACHED);
    if (before & SLOT_DETACHED)
        return;
    atomic_fetch_add(&site->detached, 1);
    if (before & SLOT_ENDED)
        atomic_fetch_add(&site->detached_late, 1);
}
