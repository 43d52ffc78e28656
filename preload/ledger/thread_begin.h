/* The start routines that we pass to libc instead of the program's. */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_BEGIN_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_BEGIN_H

/* Records that the thread runs, and calls the program's start routine.  arg: its ledger_slot. */
void *thread_begin_pthread(void *arg);
int thread_begin_thrd(void *arg);

/* Once per program: shim_config.trampolines. */
void thread_begin_start(void);

#endif
