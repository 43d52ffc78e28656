/* A function that holds the lock of a virtual machine calls another one that locks it. */
#include "kernel.h"

static void hot_remove(pthread_mutex_t *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
}

static void *hot_add(void *lock)
{
    pthread_mutex_lock(lock);
    hot_remove(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

KERNEL(moby_36114)
{
    pthread_mutex_t *lock = NEW(pthread_mutex_t);
    pthread_mutex_init(lock, NULL);
    go(hot_add, lock);
}
