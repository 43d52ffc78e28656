/* A worker waits for work with the read lock held; a sync wants to write; a second worker cannot read any
 * more. */
#include "kernel.h"

struct quota {
    pthread_rwlock_t worker_lock;
    struct chan *empty_queue, *full_queue;
};

static void *work_on_empty(void *arg)
{
    struct quota *quota = arg;
    pthread_rwlock_rdlock(&quota->worker_lock);
    chan_receive(quota->empty_queue);
    pthread_rwlock_unlock(&quota->worker_lock);
    return NULL;
}

static void *sync_quota(void *arg)
{
    struct quota *quota = arg;
    pthread_rwlock_wrlock(&quota->worker_lock);
    pthread_rwlock_unlock(&quota->worker_lock);
    return NULL;
}

static void *work_on_full(void *arg)
{
    struct quota *quota = arg;
    pthread_rwlock_rdlock(&quota->worker_lock);
    chan_receive(quota->full_queue);
    chan_send(quota->empty_queue);
    pthread_rwlock_unlock(&quota->worker_lock);
    return NULL;
}

static __attribute__((noinline)) void start_quota(void)
{
    struct quota *quota = NEW(struct quota);
    rw_lock_init(&quota->worker_lock);
    quota->empty_queue = chan_new(1);
    quota->full_queue = chan_new(1);
    chan_send(quota->full_queue);
    go(work_on_empty, quota);
    await_asleep();
    go(sync_quota, quota);
    await_asleep();
    go(work_on_full, quota);
}

KERNEL(kubernetes_58107)
{
    start_quota();
}
