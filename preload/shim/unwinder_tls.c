#include "preload/shim/unwinder_tls.h"

#include "preload/shim/guard.h"
#include "preload/shim/state.h"

/* libunwind frees the cache when its destructor is called for the last time (PTHREAD_DESTRUCTOR_ITERATIONS).
 */
#define ROUNDS 4
/* libunwind writes the whole cache when it makes one: 64 page faults, 150 µs. Without it a backtrace needs 2
 * µs more. */
#define WALKS_BEFORE 32

static void (*destroy)(void *);

int unwinder_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    *key = 0;
    destroy = destructor;
    return 0;
}

int unwinder_setspecific(pthread_key_t key, const void *value)
{
    (void)key;
    shim_tls.unwinder_cache = (void *)value;
    return 0;
}

void *unwinder_getspecific(pthread_key_t key)
{
    (void)key;
    return shim_tls.unwinder_cache;
}

void *unwinder_tls_address(const struct tls_index *index)
{
    return shim_tls.unwinder_memory + index->offset;
}

bool unwinder_tls_fits(size_t file_size, size_t memory_size)
{
    return file_size == 0 && memory_size <= sizeof(shim_tls.unwinder_memory);
}

bool unwinder_tls_allowed(void)
{
    if (shim_tls.unwinder_cache)
        return true;
    if (shim_tls.walks < WALKS_BEFORE) {
        shim_tls.walks++;
        return false;
    }
    return shim_tls.end_is_seen || shim_own_tid() == shim_state->pid;
}

void unwinder_thread_ended(void)
{
    if (!shim_tls.unwinder_cache)
        return;
    /* This thread is in libunwind now: a child that it forks does not use libunwind's locks. */
    guard_unwind_begin();
    for (int i = 0; destroy && shim_tls.unwinder_cache && i < ROUNDS; i++) {
        void *cache = shim_tls.unwinder_cache;
        shim_tls.unwinder_cache = NULL;
        destroy(cache);
    }
    guard_unwind_end();
}
