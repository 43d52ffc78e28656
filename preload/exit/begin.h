/*
 * The begin of an end: which thread, and when. Handlers of exit() can take long, and can end the process in
 * another way.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_BEGIN_H
#define THREADLEAK_PRELOAD_EXIT_BEGIN_H

#include "preload/shim/state.h"

/* The calling thread ends the process. */
void begin_record_thread(struct shim_state *state);
/* It does so in this way. */
void begin_record(struct shim_state *state, enum ledger_end how, int status);

/* exit() was called. */
void begin_exit(int status);

/* At the first creation of a process: a return from main is recorded before the handlers run that the program
 * has registered so far. */
void begin_arm(const struct shim_state *state);

/* Is exit() under way?  If that was not recorded, the stack of the calling thread shows it. */
bool begin_is_of_exit(const struct shim_state *state);

#endif
