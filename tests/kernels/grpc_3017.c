/* A timer's thread returns without unlocking.  The next call for the cache waits for it, and the test for
 * that call. */
#include "kernel.h"

struct cache {
    pthread_mutex_t lock;
    struct chan *timer_ended, *done;
    bool abort_deleting;
};

static void *on_timer(void *arg)
{
    struct cache *cache = arg;
    pthread_mutex_lock(&cache->lock);
    if (!cache->abort_deleting)
        pthread_mutex_unlock(&cache->lock);
    chan_close(cache->timer_ended);
    return NULL;
}

static void *remove_connections(void *arg)
{
    struct cache *cache = arg;
    chan_receive(cache->timer_ended);
    pthread_mutex_lock(&cache->lock);
    pthread_mutex_unlock(&cache->lock);
    chan_close(cache->done);
    return NULL;
}

KERNEL(grpc_3017)
{
    struct cache *cache = NEW(struct cache);
    pthread_mutex_init(&cache->lock, NULL);
    cache->timer_ended = chan_new(0);
    cache->done = chan_new(0);
    cache->abort_deleting = true;
    go(remove_connections, cache);
    go(on_timer, cache);
    chan_receive(cache->done);
}
