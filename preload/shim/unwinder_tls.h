/*
 * What libunwind keeps for each thread: a cache of frame layouts of 256 KiB, a pointer to it, and a key whose
 * destructor frees it. The key would be one of the program's 1,024, and the pointer would be in memory from
 * malloc, which may be what creates the thread. So imports.c gives libunwind these functions instead.
 *
 * The cache is freed at the end of the thread, if the shim sees that.  So a thread gets one only if it will:
 * unwinder_tls_allowed().  What can leak: the main thread's, one for each thread that exists when the program
 * takes our key (thread_life.h), and one for each thread that ends by the raw system call.
 */
#ifndef THREADLEAK_PRELOAD_SHIM_UNWINDER_TLS_H
#define THREADLEAK_PRELOAD_SHIM_UNWINDER_TLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

int unwinder_key_create(pthread_key_t *key, void (*destructor)(void *));
int unwinder_setspecific(pthread_key_t key, const void *value);
void *unwinder_getspecific(pthread_key_t key);

/* Instead of __tls_get_addr, in libraries that use it (not with TLS descriptors). */
struct tls_index {
    unsigned long module, offset;
};
void *unwinder_tls_address(const struct tls_index *index);
/* Does a library's thread-local memory fit, and does it begin with zeros? */
bool unwinder_tls_fits(size_t file_size, size_t memory_size);

/* Ask before each backtrace. Has the thread a cache, or is it worth one? And will the shim see its end? */
bool unwinder_tls_allowed(void);

/* Call it when the thread has ended. */
void unwinder_thread_ended(void);

#endif
