/* The dump signal: reports every live thread, then the program continues. */
#ifndef THREADLEAK_PRELOAD_EXIT_DUMP_H
#define THREADLEAK_PRELOAD_EXIT_DUMP_H

#include "preload/shim/state.h"

/* Installs the handler if the signal has its default action. True for the first caller of a process. */
bool dump_arm(struct shim_state *state);

/* A forked child has the default action again, until it creates a thread. */
void dump_in_child(void);

/* Is this our handler?  The program must not see it. */
bool dump_is_handler(void (*handler)(int));

/* The program has set a disposition. If it is the default, our handler replaces it again. */
void dump_after_change(int number);

#endif
