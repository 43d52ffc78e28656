/* The sections of the ledger: their mapping (map.c), and the records in them (section.c). */
#ifndef THREADLEAK_PRELOAD_LEDGER_SECTION_H
#define THREADLEAK_PRELOAD_LEDGER_SECTION_H

#include <stdbool.h>

#include "preload/shim/state.h"

/* Takes `count` records of a section and returns the index of the first.  UINT32_MAX: the
 * section is full, or the system has no memory for it, which would be a SIGBUS later. */
uint32_t ledger_take(struct shim_state *state, enum ledger_section section, uint32_t count);

/* The same for words of current stacks. UINT32_MAX also if a newer generation of requests has begun. */
uint32_t ledger_take_stack(struct shim_state *state, uint32_t generation, uint32_t words);

/* Stores a string of n bytes and a NUL. Returns its offset; 0: the section is full. */
uint32_t ledger_store_string(struct shim_state *state, const char *text, uint32_t n);

/* Maps a ledger and records the identity of this process. False: there is no memory for the
 * smallest one. */
bool ledger_map(struct shim_state *state);

/* Records of a section that are in use, and those that the program may still need; at most its cap. */
uint32_t ledger_with_margin(const struct shim_state *state, enum ledger_section section);

/* Requests memory for them, because in a sandbox that is not possible. */
void ledger_before_sandbox(struct shim_state *state);

/* In a forked child: unmaps the ledger of the parent. under_way: replaces it with zeroed private memory,
 * which a hook can still use. */
void ledger_leave(bool under_way);

/* Unmaps unused pages, except a margin. Call it before the program locks all its memory. */
void ledger_give_back(struct shim_state *state);

#endif
