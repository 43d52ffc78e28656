/*
 * Options and suppressions that the program itself brings, and what it sets while it
 * runs.  In the ledger, and in forked children, like those of the environment.
 */
#ifndef THREADLEAK_PRELOAD_OPTIONS_REGISTERED_H
#define THREADLEAK_PRELOAD_OPTIONS_REGISTERED_H

#include "preload/shim/state.h"

/* At start: THREADLEAK_OPTIONS as found, or NULL.  Returns what there is room for: all of it, or "". */
const char *registered_environment(const char *options);

/* At start: what the program exports as
 * __threadleak_default_options() and __threadleak_default_suppressions(). */
void registered_exported(void);

/* Suppressions into the ledger of a process that has just begun. */
void registered_to_ledger(struct shim_state *state);

/*
 * 0, or -1 after one line that says what is wrong; nothing has changed then.  `who` begins
 * that line.  Default options go under the environment's, those that are set over them.
 */
int register_default_options(const char *who, const char *options);
int register_set_options(const char *who, const char *options);
int register_rules(const char *who, const char *rules);

#endif
