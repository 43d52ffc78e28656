/* What is asked of the shim, and what it must know of the program: found out once, at the start. */
#ifndef THREADLEAK_PRELOAD_OPTIONS_SETTINGS_H
#define THREADLEAK_PRELOAD_OPTIONS_SETTINGS_H

/* Fills in shim_config, save for what is known of standard error, and takes the shim out of
 * LD_PRELOAD where children are not to be followed.  Before other threads are watched. */
void settings_find(void);

#endif
