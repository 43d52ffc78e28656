/*
 * The end of a thread, by return, pthread_exit or cancellation.
 *
 * The shim has a thread-specific key with a destructor.  The thread has ended when it is
 * called and no other key with a destructor has a value.  Otherwise the destructor sets
 * our key again, and is called in the next round after the others.  So a thread that is
 * blocked in a destructor is alive.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_END_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_END_H

#include <pthread.h>

struct ledger_slot;

/* Makes the key, before the program makes its own. */
void thread_end_start(void);

/* The program made a key with a destructor, or deleted a key. */
void thread_end_key_made(pthread_key_t key);
void thread_end_key_deleted(pthread_key_t key);

/* In each tracked thread when it begins. */
void thread_end_arm(struct ledger_slot *slot);

#endif
