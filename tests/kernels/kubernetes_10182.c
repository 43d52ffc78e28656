/* A status is sent with the lock held, and the reader of the channel wants the lock. */
#include "kernel.h"

struct manager {
    pthread_mutex_t lock;
    struct chan *statuses, *go_on;
};

static void *sync_batch(void *arg)
{
    struct manager *manager = arg;
    chan_receive(manager->statuses);
    chan_receive(manager->go_on);
    pthread_mutex_lock(&manager->lock);
    pthread_mutex_unlock(&manager->lock);
    return NULL;
}

static void *set_pod_status(void *arg)
{
    struct manager *manager = arg;
    pthread_mutex_lock(&manager->lock);
    chan_send(manager->statuses);
    pthread_mutex_unlock(&manager->lock);
    return NULL;
}

KERNEL(kubernetes_10182)
{
    struct manager *manager = NEW(struct manager);
    pthread_mutex_init(&manager->lock, NULL);
    manager->statuses = chan_new(0);
    manager->go_on = chan_new(0);
    go(sync_batch, manager);
    go(set_pod_status, manager);
    await_asleep();
    go(set_pod_status, manager);
    await_asleep();
    chan_close(manager->go_on);
}
