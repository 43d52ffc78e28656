/* The dump signal: reports every live thread, then the program continues. */
#ifndef THREADLEAK_PRELOAD_EXIT_DUMP_H
#define THREADLEAK_PRELOAD_EXIT_DUMP_H

#include "preload/shim/state.h"

/* Installs the handler if the signal has its default action. True for the first caller of a process. */
bool dump_arm(struct shim_state *state);

#endif
