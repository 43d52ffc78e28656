/*
 * Options and suppressions that the program itself brings, and what it sets while it
 * runs.  In the ledger, and in forked children, like those of the environment.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_BROUGHT_H
#define THREADLEAK_PRELOAD_SHIM_BROUGHT_H

#include "preload/shim/shim.h"

/* At start: THREADLEAK_OPTIONS as found, or NULL.  Returns what there is room for: all of it, or "". */
const char *brought_environment(const char *options);

/* At start: what the program exports as
 * __threadleak_default_options() and __threadleak_default_suppressions(). */
void brought_exported(void);

/* Suppressions into the ledger of a process that has just begun. */
void brought_to_ledger(struct shim_state *state);

/*
 * 0, or -1 after one line that says what is wrong; nothing has changed then.  `who` begins
 * that line.  Default options go under the environment's, those that are set over them.
 */
int brought_default_options(const char *who, const char *options);
int brought_set_options(const char *who, const char *options);
int brought_suppressions(const char *who, const char *rules);

/* Says "WHO: PROBLEM" and returns -1. */
int brought_refuse(const char *who, const char *problem);

#endif
