/*
 * The end of a thread, by return, pthread_exit or cancellation.
 *
 * The shim has a thread-specific key with a destructor. The thread has ended when the destructor is called
 * and no other key with a destructor has a value. Otherwise the destructor sets our key again, and libc calls
 * it in the next round. So a thread that is blocked in a destructor is alive.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_END_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_END_H

#include <pthread.h>

struct ledger_slot;

/* Makes the key. Call it before the program makes its own keys. */
void thread_end_start(void);

/* The program made a key with a destructor, or deleted a key. */
void thread_end_key_made(pthread_key_t key);
void thread_end_key_deleted(pthread_key_t key);

/* Call it in each tracked thread when it begins. */
void thread_end_arm(struct ledger_slot *slot);

#endif
