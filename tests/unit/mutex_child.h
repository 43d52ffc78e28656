/* In a child: threads that contend for a mutex. */
#ifndef MUTEX_CHILD_H
#define MUTEX_CHILD_H

#include <pthread.h>

/* For start_thread: the thread "holder" locks the mutex and is ready; "waiter" then waits for it. */
_Noreturn void *hold_mutex(void *lock);
void *take_mutex(void *lock);
/* Starts both, and never returns. */
void contend(pthread_mutex_t *lock);

#endif
