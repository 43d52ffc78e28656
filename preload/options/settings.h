/* The settings of the shim, read once at the start of a program. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_SETTINGS_H
#define THREADLEAK_PRELOAD_OPTIONS_SETTINGS_H

/* Sets shim_config, except the fields of standard error.  Removes the shim from LD_PRELOAD if
 * children are not followed.  Must be called before the program has other threads. */
void settings_find(void);

/* Finds the rest, once per program: offsets in libc's memory, and the reporter. It takes the lock of the
 * loader. Call it before the first ledger. */
void settings_look_up(void);

/* Finds the path of the program, once. Call it before the first ledger. */
void settings_find_exe(void);

/* Registers the results of __threadleak_default_options() and __threadleak_default_suppressions(), if the
 * program exports them. Call it after state_start. */
void settings_exported(void);

#endif
