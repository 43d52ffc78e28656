/* Names of functions of libc. */
#ifndef THREADLEAK_WAIT_LIBC_NAME_H
#define THREADLEAK_WAIT_LIBC_NAME_H

/* A function's name without the prefixes of its aliases: libc has "__GI___pthread_mutex_lock",
 * the sanitizers have "__interceptor_sem_wait". */
const char *bare_name(const char *name);

#endif
