/* Joins that are not recognised by the function alone. */
#ifndef THREADLEAK_WAIT_JOIN_H
#define THREADLEAK_WAIT_JOIN_H

#include "wait/view.h"

/* Is the wait for a futex that of pthread_join? Only for known versions of glibc. */
bool futex_is_join(const struct view *view);
/* Describes the wait, if a library joins a thread by this condition variable. False: it does not, or the
 * thread is not known. */
bool wait_for_joined_cond(const struct view *view, uint64_t cond);

#endif
