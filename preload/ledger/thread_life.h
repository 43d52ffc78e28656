/* The beginning of a thread. */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_LIFE_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_LIFE_H

/* The start routines that we pass to libc instead of the program's: each records that the
 * thread runs, and calls the program's.  arg: its thread_birth. */
void *thread_begin_pthread(void *arg);
int thread_begin_thrd(void *arg);

/* Once per program: shim_config.trampolines. */
void thread_begin_start(void);

#endif
