/*
 * The beginning and the end of a thread.
 *
 * The shim has a thread-specific key with a destructor. The thread has ended when the destructor is called
 * and no other key with a destructor has a value. Otherwise the destructor sets our key again, and libc calls
 * it in the next round. So a thread that is blocked in a destructor is alive. Libc calls destructors after a
 * return, pthread_exit and cancellation.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_LIFE_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_LIFE_H

#include <pthread.h>

/* The start routines that we pass to libc instead of the program's: each records that the
 * thread runs, and calls the program's.  arg: its thread_birth. */
void *thread_begin_pthread(void *arg);
int thread_begin_thrd(void *arg);

/* Once per program: shim_config.trampolines. */
void thread_begin_start(void);

/* Makes the key. Call it before the program makes its own keys. */
void thread_end_start(void);

/* The program made a key with a destructor, or deleted a key. */
void thread_end_key_made(pthread_key_t key);
void thread_end_key_deleted(pthread_key_t key);

#endif
