/* Room in the sections of the ledger, with memory behind what is about to be used. */
#ifndef THREADLEAK_PRELOAD_LEDGER_ROOM_H
#define THREADLEAK_PRELOAD_LEDGER_ROOM_H

#include "preload/shim/state.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/*
 * Takes `count` records of a section: the index of the first, or UINT32_MAX
 * when the section is full or the system has no memory for it (that is told by
 * the kernel here, and not by SIGBUS later).
 */
uint32_t ledger_take(struct shim_state *state, enum ledger_section section, uint32_t count);

/* Takes `words` of the present section for a request's generation: the index of
 * the first, or UINT32_MAX when it is full or a newer request has begun. */
uint32_t ledger_take_stack(struct shim_state *state, uint32_t generation, uint32_t words);

/* Stores a string of n bytes and a NUL; its offset, or 0. */
uint32_t ledger_store_string(struct shim_state *state, const char *text, uint32_t n);

#endif
