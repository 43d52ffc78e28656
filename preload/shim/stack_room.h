/* Is there enough stack for a backtrace, and to record a new module? */
#ifndef THREADLEAK_PRELOAD_SHIM_STACK_ROOM_H
#define THREADLEAK_PRELOAD_SHIM_STACK_ROOM_H

#include <stdbool.h>

/* Mostly without a system call. In a sandbox it is not tested. */
bool stack_has_room(void);

/* Calls function(arg) on memory of its own, which is not small: a handler of the program can interrupt it.
 * False: out of memory or in a sandbox, and it is not called. */
bool stack_with_room(void (*function)(void *), void *arg);

/* LEDGER_OWN_STACK bytes of zeros, which the caller may unmap; NULL: out of memory. */
char *spare_take(void);
/* Unmaps those that nobody uses. Call it before the program locks all its memory. */
void spare_give_back(void);

#endif
