/* The informer's lock and the queue's lock, in both orders; a third thread wants the first of them to stop.
 */
#include "kernel.h"

struct informer {
    pthread_mutex_t lock, queue_lock;
    struct chan *go_on;
};

static void *check_synced(void *arg)
{
    struct informer *informer = arg;
    pthread_mutex_lock(&informer->lock);
    chan_receive(informer->go_on);
    pthread_mutex_lock(&informer->queue_lock);
    pthread_mutex_unlock(&informer->queue_lock);
    pthread_mutex_unlock(&informer->lock);
    return NULL;
}

static void *pop(void *arg)
{
    struct informer *informer = arg;
    pthread_mutex_lock(&informer->queue_lock);
    chan_receive(informer->go_on);
    pthread_mutex_lock(&informer->lock);
    pthread_mutex_unlock(&informer->lock);
    pthread_mutex_unlock(&informer->queue_lock);
    return NULL;
}

static void *stop(void *arg)
{
    struct informer *informer = arg;
    pthread_mutex_lock(&informer->lock);
    pthread_mutex_unlock(&informer->lock);
    return NULL;
}

KERNEL(kubernetes_30872)
{
    struct informer *informer = NEW(struct informer);
    pthread_mutex_init(&informer->lock, NULL);
    pthread_mutex_init(&informer->queue_lock, NULL);
    informer->go_on = chan_new(0);
    go(check_synced, informer);
    go(pop, informer);
    await_asleep();
    go(stop, informer);
    chan_close(informer->go_on);
}
