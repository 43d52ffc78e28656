/* The slots of the ledger: their free list, and the bits that decide when a slot is free. */
#ifndef THREADLEAK_PRELOAD_LEDGER_SLOT_H
#define THREADLEAK_PRELOAD_LEDGER_SLOT_H

#include "preload/shim/state.h"

/* NULL: the section is full. */
struct ledger_slot *slot_take(struct shim_state *state);
void slot_give(const struct shim_state *state, struct ledger_slot *slot);

/* The argument for libc's function, from which the new thread finds its slot. */
void *slot_birth(const struct shim_state *state, const struct ledger_slot *slot);

/* NULL: it is not from this process. */
struct ledger_slot *slot_of_birth(const struct shim_state *state, const void *birth);

/* Change SLOT_* bits, and free the slot when its life is complete. slot_set returns the bits before. */
uint32_t slot_set(const struct shim_state *state, struct ledger_slot *slot, uint32_t bits);
void slot_clear(const struct shim_state *state, struct ledger_slot *slot, uint32_t bits);

/* Sets bits only if the state is still `before`. */
bool slot_set_from(const struct shim_state *state, struct ledger_slot *slot, uint32_t before, uint32_t bits);

/* Sets SLOT_DETACHED, and counts it. */
void slot_detached(const struct shim_state *state, struct ledger_slot *slot);

#endif
