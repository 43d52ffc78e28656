/* Functions that wait for a futex. */
#ifndef THREADLEAK_WAIT_USERS_H
#define THREADLEAK_WAIT_USERS_H

#include "wait/view.h"

/* A name without what aliases put before it: "__GI___pthread_mutex_lock" is libc's,
 * "__interceptor_sem_wait" the sanitizers'. */
const char *bare_name(const char *name);
/* The row of kinds.def for a function; NULL: none.  is_prefix: its name may go on. */
const struct futex_user *futex_user_find(const char *name, bool is_prefix);

#endif
