/* Locks of libc that do not store their owner: malloc's, that of the fork handlers, and others. The owner is
 * the only thread that is in a function which takes the lock. */
#ifndef THREADLEAK_WAIT_UNOWNED_H
#define THREADLEAK_WAIT_UNOWNED_H

#include "wait/view.h"

/* Appends the name of the lock at wait.address, and the owner if it is known. */
void unowned_add(const struct view *view);
/* Is the address in the data of libc? */
bool unowned_is_of_libc(const struct view *view, uint64_t address);

#endif
