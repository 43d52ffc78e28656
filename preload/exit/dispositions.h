/*
 * The dispositions of signals from a judged end on, and what the program sees of them.
 *
 * Without the shim the process would be gone by now. So no signal may change its exit status or call a
 * handler of the program while the shim waits and reports:
 *
 *  - A fault, or abort(), parks its thread. The ledger records the signal and the place.
 *  - INT, TERM, HUP or QUIT of another process, or of the terminal, ends the process at once, with its own
 *    status and without a report. A signal that the program ignored stays ignored.
 *  - All others are ignored. A handler that does nothing would still interrupt pause() and nanosleep().
 *
 * The functions that read and change dispositions are hooked. They use the program's own dispositions, which
 * are kept here. A forked child gets those back.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_DISPOSITIONS_H
#define THREADLEAK_PRELOAD_EXIT_DISPOSITIONS_H

#include <signal.h>
#include <stdbool.h>

#include "preload/shim/state.h"

typedef void signal_handler(int number, siginfo_t *info, void *context);

/* Replaces all of them. Call it once per process, in the thread that ends it. on_fault, on_cut: handlers of
 * the first two kinds. */
void dispositions_replace(struct shim_state *state, signal_handler *on_fault, signal_handler *on_cut);

/* The set of the signals of the second kind. */
uint64_t dispositions_cutting(void);

/* Has the shim replaced this one in the calling process? A child of vfork has its own. */
bool disposition_is_replaced(int number);

/* sigaction() on the program's own disposition, for a replaced one. */
void disposition_change(int number, const struct sigaction *action, struct sigaction *old);

/* The program changed the real disposition while it was being replaced. */
void disposition_replace_again(int number);

/* Gives a child the dispositions of the program. shares_memory: a child of vfork, whose parent continues. */
void dispositions_in_child(bool shares_memory);
/* The same in a child of vfork, before its exec: the ignored ones, which the new program would inherit. */
void dispositions_before_exec(void);

/* The signals that are ignored now, but not by the program: posix_spawn has to reset them. */
sigset_t dispositions_ignored(void);

#endif
