/*
 * Sees a thread end, however it does: by return, pthread_exit or cancellation.
 *
 * A thread-specific key of ours has a destructor.  When it is called, the thread
 * has ended if no other key with a destructor has a value; else the destructor
 * sets our key anew and is called again in the next round, after the others.
 * So a thread that is stuck in a destructor of the program's is alive.
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_END_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_END_H

#include <pthread.h>

struct ledger_slot;

/* Makes the key; before the program can make its own. */
void thread_end_start(void);

/* The program made a key with a destructor, or deleted a key. */
void thread_end_key_made(pthread_key_t key);
void thread_end_key_deleted(pthread_key_t key);

/* By each tracked thread, as it begins. */
void thread_end_arm(struct ledger_slot *slot);

#endif
