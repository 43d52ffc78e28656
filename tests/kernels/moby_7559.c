/* A loop goes on after an error without unlocking. */
#include "kernel.h"

static void *run_proxy(void *lock)
{
    for (int i = 0; i < 2; i++)
        pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

KERNEL(moby_7559)
{
    pthread_mutex_t *lock = NEW(pthread_mutex_t);
    pthread_mutex_init(lock, NULL);
    go(run_proxy, lock);
}
