/*
 * The ends of a process.
 *
 * At a judged end with leaks `threadleak` is started, and reports this process from
 * outside.  Where it cannot be started raw_report.c writes a report without symbols.
 * Under `threadleak run` an end is only recorded, since run reports for all processes.
 */
#ifndef THREADLEAK_PRELOAD_EXIT_END_H
#define THREADLEAK_PRELOAD_EXIT_END_H

#include "preload/shim/state.h"

/* Registers the handlers that see exit() and quick_exit() after every other. */
void end_start(void);

/* The process is about to end in this way.  Returns the status to end with. */
int end_process(enum ledger_end how, int status);

/* An exec failed: the process goes on. */
void end_undo_exec(void);

#endif
