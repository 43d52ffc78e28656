/* The settings of the shim, read once at the start of a program. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_SETTINGS_H
#define THREADLEAK_PRELOAD_OPTIONS_SETTINGS_H

/* Sets shim_config, except the fields of standard error.  Removes the shim from LD_PRELOAD if
 * children are not followed.  Must be called before the program has other threads. */
void settings_find(void);

/* Finds the rest, once per program: offsets in libc's memory, and the path of the program. It takes no lock.
 * Only the thread that makes a ledger may call it. */
void settings_look_up(void);

/* Registers the results of __threadleak_default_options() and __threadleak_default_suppressions(), if the
 * program exports them. Call it after settings_find(). */
void settings_exported(void);

#endif
