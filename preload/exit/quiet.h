/*
 * Can any thread still run?
 *
 * At a judged end no signal handler of the program runs any more, and the calling thread does nothing more.
 * If every other thread waits without a timeout for something that only a thread of this process can do, none
 * of them will ever go on. That is a wait for a private futex, pthread_join's wait for one of them, or a wait
 * for a signal handler: pause(), or poll() of nothing, where parked threads are.
 *
 * A thread is read at some moment of a pass. Two passes with the same threads, which have not run in between,
 * prove that all of them were waiting at the moment between the passes.
 *
 * Nothing else is known to wake such a thread. A timer sends a signal, which is ignored, or wakes a helper
 * thread that waits for a signal. The threads of io_uring and AIO do not wait for a futex. Another process
 * sees no private futex, except a child of vfork, whose parent waits for it in vfork.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_QUIET_H
#define THREADLEAK_PRELOAD_EXIT_QUIET_H

#include "preload/shim/state.h"

struct quiet {
    int32_t busy; /* a thread that could run when it was last read; 0: none known */
};

/* False: one can run, or it is not known. */
bool quiet_for_ever(struct quiet *quiet, const struct shim_state *state);

#endif
