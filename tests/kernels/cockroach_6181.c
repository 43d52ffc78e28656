/* A reader prints the cache, which locks for reading again.  Two others came to write, and the test waits for
 * all. */
#include "kernel.h"

struct cache {
    pthread_rwlock_t lock;
    struct chan *print;
    struct wait_group *lookups;
};

static void *look_up(void *arg)
{
    struct cache *cache = arg;
    pthread_rwlock_rdlock(&cache->lock);
    chan_receive(cache->print);
    pthread_rwlock_rdlock(&cache->lock);
    pthread_rwlock_unlock(&cache->lock);
    pthread_rwlock_unlock(&cache->lock);
    wait_group_done(cache->lookups);
    return NULL;
}

static void *insert(void *arg)
{
    struct cache *cache = arg;
    pthread_rwlock_wrlock(&cache->lock);
    pthread_rwlock_unlock(&cache->lock);
    wait_group_done(cache->lookups);
    return NULL;
}

KERNEL(cockroach_6181)
{
    struct cache *cache = NEW(struct cache);
    rw_lock_init(&cache->lock);
    cache->print = chan_new(0);
    cache->lookups = wait_group_new(3);
    go(look_up, cache);
    await_asleep();
    go(insert, cache);
    go(insert, cache);
    await_asleep();
    chan_close(cache->print);
    wait_group_wait(cache->lookups);
}
