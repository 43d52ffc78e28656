/*
 * Options and suppression rules that the program registers, by an exported function or <threadleak.h>.  The
 * environment has priority over default options, and set options over both.  Forked children inherit
 * options, and the ledger contains all of them.
 */
#ifndef THREADLEAK_PRELOAD_OPTIONS_REGISTERED_H
#define THREADLEAK_PRELOAD_OPTIONS_REGISTERED_H

#include "preload/shim/state.h"

/* Each: 0, or -1 after one line that begins with `who`.  Then nothing has changed. */
int register_default_options(const char *who, const char *options);
int register_set_options(const char *who, const char *options);
int register_rules(const char *who, const char *rules);

/* Copies the rules into the ledger of a process that has just begun. */
void registered_to_ledger(struct shim_state *state);

/* Call it at the start. options: THREADLEAK_OPTIONS, or NULL. Returns it, or "" if it is too long. */
const char *registered_environment(const char *options);

#endif
