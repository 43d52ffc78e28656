/* Suppression rules that the program registers. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_REGISTERED_RULES_H
#define THREADLEAK_PRELOAD_OPTIONS_REGISTERED_RULES_H

#include "preload/shim/state.h"

/* 0, or -1 after one line that begins with `who`.  Then nothing has changed. */
int register_rules(const char *who, const char *rules);

/* Copies the rules into the ledger of a process that has just begun. */
void registered_to_ledger(struct shim_state *state);

#endif
