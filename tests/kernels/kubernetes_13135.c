/* The cache is filled under one lock and then wants a second one; an event takes both in the other order. */
#include "kernel.h"

struct cacher {
    pthread_mutex_t lock, watch_lock;
    struct chan *go_on;
};

static void *start_caching(void *arg)
{
    struct cacher *cacher = arg;
    pthread_mutex_lock(&cacher->lock);
    chan_receive(cacher->go_on);
    pthread_mutex_lock(&cacher->watch_lock);
    pthread_mutex_unlock(&cacher->watch_lock);
    pthread_mutex_unlock(&cacher->lock);
    return NULL;
}

static void *process_event(void *arg)
{
    struct cacher *cacher = arg;
    pthread_mutex_lock(&cacher->watch_lock);
    chan_receive(cacher->go_on);
    pthread_mutex_lock(&cacher->lock);
    pthread_mutex_unlock(&cacher->lock);
    pthread_mutex_unlock(&cacher->watch_lock);
    return NULL;
}

KERNEL(kubernetes_13135)
{
    struct cacher *cacher = NEW(struct cacher);
    pthread_mutex_init(&cacher->lock, NULL);
    pthread_mutex_init(&cacher->watch_lock, NULL);
    cacher->go_on = chan_new(0);
    go(start_caching, cacher);
    go(process_event, cacher);
    await_asleep();
    chan_close(cacher->go_on);
}
