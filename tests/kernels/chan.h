/*
 * Go's channel, WaitGroup and RWMutex, as far as the kernels need them.  Every object
 * is in the heap, and nothing else refers to it than the kernel itself.
 */
#ifndef CHAN_H
#define CHAN_H

#include <pthread.h>
#include <stdbool.h>

struct chan;

/* `room`: how many values it holds; with 0 a sender waits until its value was received. */
struct chan *chan_new(unsigned room);
void chan_send(struct chan *chan);
/* Waits for a value.  False when the channel was closed and is empty. */
bool chan_receive(struct chan *chan);
/* Receives from the first of them that has a value or is closed; its index. */
int chan_select(struct chan **chans, int count);
/* Receivers return from now on. */
void chan_close(struct chan *chan);

struct wait_group;

struct wait_group *wait_group_new(int count);
void wait_group_done(struct wait_group *group);
void wait_group_wait(struct wait_group *group);

/* As Go's RWMutex: no new reader while a writer waits. */
void rw_lock_init(pthread_rwlock_t *lock);

/* Starts a detached thread, as a goroutine is. */
void go(void *(*routine)(void *), void *arg);

/* Zeroed memory of the heap. */
void *allocate(unsigned long size);
#define NEW(type) ((type *)allocate(sizeof(type)))

#endif
