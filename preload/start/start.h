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
 *
 * To read preload/, follow a program:
 *
 *  it starts         start/start.c          construct(): step 1
 *                    options/settings.c     what the environment says
 *  pthread_create()  hooks/hook_thread.c    CREATE: what is done before and after the real function
 *                    shim/hook.h            is this still the process in which the hook began?
 *                    start/start.c          step 2: shim_ready(); step 3: shim_before_threads()
 *                    backtrace/capture.c    who calls
 *                    ledger/site.c          the creation site
 *                    ledger/thread.c        the record of the new thread
 *  the thread runs   ledger/thread_life.c   its beginning
 *                    ledger/thread_key.c    its end
 *  pthread_join()    hooks/hook_thread.c    JOIN
 *                    ledger/thread_join.c   the thread of a handle
 *  fork()            start/start.c          before_fork(), in_forked_child()
 *  a dump signal     exit/dump.c            the report of a program that continues
 *  it ends           exit/begin.c           who ends it, and how
 *                    exit/end.c             the steps of the end
 *                    exit/grace.c           waits for threads that are about to end
 *                    exit/park.c            the program must not act any more
 *                    exit/reporter.c        starts `threadleak`, which reports from outside
 *                    exit/raw_report.c      the report if that cannot be started
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
