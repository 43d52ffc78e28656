/*
 * The start of the shim, in three steps:
 *
 *  1. at the start of a program: remembers what the program can change, and registers the end check
 *  2. the ledger of a process: at the first creation of a thread
 *  3. at the first creation, once per program: loads the unwinder, takes the key, looks up all real functions
 *
 * A forked child of a process with threads has a ledger from the start.
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

/* The same at an end of the process. NULL also in a child of vfork, or if no reader needs a ledger. */
struct shim_state *shim_at_end(void);

/* Step 3. Call it before the first creation of a process. */
void shim_before_threads(struct shim_state *state);

/* Steps 2 and 3. Call it before the program does something that would make them impossible later. */
struct shim_state *shim_ready_early(void);

/* shim_attach() for hooks, inlined for the case that a ledger exists. */
static inline struct shim_state *shim_ready(void)
{
    struct shim_state *state = shim_known();
    return __builtin_expect(state != NULL, 1) ? state : shim_attach();
}

#endif
