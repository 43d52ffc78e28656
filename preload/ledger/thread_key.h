/*
 * The thread-specific key of the shim, whose destructor sees the end of a thread.
 *
 * The thread has ended when the destructor is called and no other key with a destructor has a value.
 * Otherwise the destructor sets our key again, and libc calls it in the next round. So a thread that is
 * blocked in a destructor is alive. Libc calls destructors after a return, pthread_exit and cancellation.
 *
 * The key is number 31. If the program has that one, the shim has no key. When the program needs all keys, it
 * gets ours. Without a key, the descriptor of a thread shows its end (descriptor.h).
 */
#ifndef THREADLEAK_PRELOAD_LEDGER_THREAD_KEY_H
#define THREADLEAK_PRELOAD_LEDGER_THREAD_KEY_H

#include <pthread.h>
#include <stdbool.h>

/* Call it once per program, when the first thread is created. */
void thread_key_take(void);

/* In a forked child: another thread can have been in thread_key_take. */
void thread_key_leave_others(void);

/* Call it when the program got no key. True: the shim has given its key back, so the program can try
 * again. */
bool thread_key_give_back(void);

bool thread_key_is_taken(void);

/* To the program this key does not exist. */
bool thread_key_is_ours(pthread_key_t key);

/* Sets the value of the calling thread: the number of rounds that have begun, from 1 on. False: there is no
 * key. */
bool thread_key_set(unsigned long round);

/* The program made a key with a destructor, or deleted a key. */
void thread_key_made(pthread_key_t key);
void thread_key_deleted(pthread_key_t key);

#endif
