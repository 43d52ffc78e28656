#include "mutex_child.h"

#include <unistd.h>

#include "snapshot_child.h"
#include "wait_child.h"

_Noreturn void *hold_mutex(void *lock)
{
    named("holder");
    pthread_mutex_lock(lock);
    child_ready();
    for (;;)
        pause();
}

void *take_mutex(void *lock)
{
    named("waiter");
    pthread_mutex_lock(lock);
    return NULL;
}

void contend(pthread_mutex_t *lock)
{
    start_thread(hold_mutex, lock);
    wait_ready(1);
    start_thread(take_mutex, lock);
    pause();
}
