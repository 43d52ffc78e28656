/*
 * The kernel refuses to lock a priority-inheriting mutex if that closes a circle of threads, or if the owner
 * has ended. pthread_mutex_lock then waits for ever, for a word of its own.
 */
#ifndef THREADLEAK_WAIT_REFUSED_H
#define THREADLEAK_WAIT_REFUSED_H

#include "wait/view.h"

/* Of a thread in pthread_mutex_lock: did the kernel refuse the lock? */
bool wait_is_refused(const struct view *view);
/* Appends the text of the wait. Sets the owner if it follows from the locks that the others wait for. False:
 * out of memory. */
bool wait_for_refused(const struct view *view);

#endif
