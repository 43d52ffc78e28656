/*
 * The ends of a process, the grace period, the dump signal, and who explains.
 *
 * At a judged end with leaks, and on the dump signal, `threadleak` is started to
 * explain this process from outside; where it cannot be, raw_report.c writes
 * what can be said without symbols.  Under `threadleak run` an end is only
 * recorded: run reports for the whole tree.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_FINISH_H
#define THREADLEAK_PRELOAD_EXIT_FINISH_H

#include "preload/shim/shim.h"

/* Registers the handlers that see exit() and quick_exit() after every other. */
void finish_start(void);

/* The process is about to end in this way.  Returns the status to end with. */
int finish_process(enum ledger_end how, int status);

/* Does not return while another thread is at a judged end: it ends the process. */
void finish_park_latecomer(void);

/* Is there another thread that could still join or end something? */
bool finish_others_run(const struct shim_state *state);
/* Sleeps for some µs, by a system call that is no cancellation point. */
void finish_pause_us(unsigned us);

/* An exec failed: the process goes on. */
void finish_undo_exec(void);

/* Installs the dump signal's handler where the program left it at its default.
 * True for the caller that came first. */
bool finish_arm_signal(struct shim_state *state);

#endif
