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

/* exit() was called.  An _exit() before its end is judged as exit() is. */
void end_exit_begins(int status);

/* At the first creation of a process: a return from main is noticed before handlers of exit() run that the
 * program registered before. */
void end_arm(const struct shim_state *state);

/* An exec failed, so the process continues. */
void end_undo_exec(void);

#endif
