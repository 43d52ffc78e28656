/* Functions that wait for a futex. */
#ifndef THREADLEAK_WAIT_USERS_H
#define THREADLEAK_WAIT_USERS_H

#include "wait/view.h"

/* A function's name without the prefixes of its aliases: libc has "__GI___pthread_mutex_lock",
 * the sanitizers have "__interceptor_sem_wait". */
const char *bare_name(const char *name);
/* The row of kinds.def for a function; NULL: none.  is_prefix: the row's name may be a prefix. */
const struct futex_user *futex_user_find(const char *name, bool is_prefix);

#endif
