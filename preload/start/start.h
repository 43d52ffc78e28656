/*
 * Starts the shim in a program, and the ledger of each process.
 *
 * Hooks can run before the constructor of this library, because constructors of other libraries create
 * threads. A hook that records something calls shim_ready().
 */
#ifndef THREADLEAK_PRELOAD_START_START_H
#define THREADLEAK_PRELOAD_START_START_H

#include "preload/shim/state.h"

/* The state when this process has a ledger, else NULL.  The first call of a process makes both. */
struct shim_state *shim_attach(void);

/* Call it in the child of a fork that ran no fork handlers. */
void shim_attach_child(void);

/* shim_attach() for hooks, inlined for the case that a ledger exists. */
static inline struct shim_state *shim_ready(void)
{
    struct shim_state *state = shim_known();
    return __builtin_expect(state != NULL, 1) ? state : shim_attach();
}

#endif
