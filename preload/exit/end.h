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

/* Registers the handlers that exit() and quick_exit() call after all others. */
void end_start(void);

/* The process is about to end in this way.  Returns the status to end with. */
int end_process(enum ledger_end how, int status);

/* An exec failed: the process goes on. */
void end_undo_exec(void);

/*
 * Parks threads at a judged end. Without the shim the process would end at once. While the shim waits and
 * reports, a running thread can use destroyed globals and crash, or end the process. Such a thread sleeps
 * until the process ends.
 */

/* From now on no other thread and no signal ends the process.  Returns the signal mask
 * for park_end. */
uint64_t park_begin(struct shim_state *state);
void park_end(uint64_t mask);

/* Does not return while another thread is at a judged end, which ends the process. */
void park_latecomer(void);

/* Records name, state and CPU time of each thread, and the untracked threads. Call it before the process
 * ends: nobody can read them later. */
void final_sample(struct shim_state *state);

#endif
