/* A clean-up with nothing to do returns without unlocking, and its thread ends. */
#include "kernel.h"

static void *clean_up(void *lock)
{
    pthread_mutex_lock(lock);
    return NULL;
}

static void *use_devices(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

KERNEL(moby_17176)
{
    pthread_mutex_t *lock = NEW(pthread_mutex_t);
    pthread_mutex_init(lock, NULL);
    go(clean_up, lock);
    await_alone();
    go(use_devices, lock);
}
