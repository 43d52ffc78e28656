/*
 * Records which thread begins to end the process, how and when. Handlers of exit() can take long, and can end
 * the process in another way.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_BEGIN_H
#define THREADLEAK_PRELOAD_EXIT_BEGIN_H

#include "preload/shim/state.h"

/* Records that the calling thread ends the process. */
void begin_record_thread(struct shim_state *state);
/* Records how the process ends, and with which status. */
void begin_record(struct shim_state *state, enum ledger_end how, int status);

/* Records that the calling thread has called exit(), also if another one ends the process. */
void begin_exiting(void);
/* Records who ends the process, and how, when exit() is called. */
void begin_exit(int status);
/* Not with glibc: the status of the latest exit(); LEDGER_STATUS_UNKNOWN: none was called. */
int begin_exit_status(void);

/* Registers a handler that records a return from main. It runs before the handlers that the program has
 * registered so far. Call it at the first creation of a process. */
void begin_arm(const struct shim_state *state);

/* Is exit() under way?  If that was not recorded, the stack of the calling thread shows it. */
bool begin_is_of_exit(const struct shim_state *state);

/* Is the calling thread still in the abort() that was reported: in a handler of SIGABRT, which it has not
 * left by a jump? The stack shows that. */
bool begin_is_of_abort(const struct shim_state *state);

#endif
