/*
 * Which fork began this process, and which threads of the parent do not exist in it.
 *
 * The hook of fork stores its return address in shim_tls. The child reads the parent's ledger before it
 * leaves it, and writes the record into its own.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_FORK_H
#define THREADLEAK_PRELOAD_LEDGER_FORK_H

#include "preload/shim/state.h"

/* Call it in the parent, right before the fork. */
void fork_begin(const struct shim_state *state);

/* Call it in the child, before ledger_leave and before its shim_tls is cleared. It makes no system call but
 * getpid. parent: the state of the parent. */
void fork_remember(const struct shim_state *parent);

/* Writes the record into the ledger of this process, if this process began with such a fork. */
void fork_store(struct shim_state *state);

#endif
