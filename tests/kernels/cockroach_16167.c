/* Two names for one lock: a statement locks it for reading twice, and an update came between. */
#include "kernel.h"

struct executor {
    pthread_rwlock_t config_lock;
    struct chan *prepare;
};

static void *execute(void *arg)
{
    struct executor *executor = arg;
    pthread_rwlock_rdlock(&executor->config_lock);
    chan_receive(executor->prepare);
    pthread_rwlock_rdlock(&executor->config_lock);
    pthread_rwlock_unlock(&executor->config_lock);
    pthread_rwlock_unlock(&executor->config_lock);
    return NULL;
}

static void *update_config(void *arg)
{
    struct executor *executor = arg;
    pthread_rwlock_wrlock(&executor->config_lock);
    pthread_rwlock_unlock(&executor->config_lock);
    return NULL;
}

KERNEL(cockroach_16167)
{
    struct executor *executor = NEW(struct executor);
    rw_lock_init(&executor->config_lock);
    executor->prepare = chan_new(0);
    go(execute, executor);
    await_asleep();
    go(update_config, executor);
    await_asleep();
    chan_close(executor->prepare);
}
