/*
 * The ends of a process.
 *
 * At a judged end with leaks the shim starts `threadleak`, which reports this process from outside. If that
 * fails, raw_report.c writes a report without symbols. Under `threadleak run` the shim only records the end,
 * because run reports all processes.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_END_H
#define THREADLEAK_PRELOAD_EXIT_END_H

#include "preload/shim/state.h"

/* Registers the handlers that exit() and quick_exit() call after all others. find: the state of this process
 * at its end, or NULL. */
void end_start(struct shim_state *(*find)(void));

/* The process is about to end in this way.  Returns the status to end with. */
int end_process(enum ledger_end how, int status);

/* Under `threadleak run`, which reports later: saves the final sample, and the current stacks if a thread is
 * alive or unjoined: also of kinds that are not reported, because --fail-on finds what they prove together.
 */
void end_save(struct shim_state *state);

/* An exec failed, so the process continues. */
void end_undo_exec(void);

#endif
