/* One thread has a URL's mutex and wants the table; another has the table locked and wants the URL's mutex.
 */
#include "kernel.h"

struct urls {
    pthread_rwlock_t table_lock;
    pthread_mutex_t url_lock;
    struct chan *unlock;
    struct wait_group *fetches;
};

static void url_lock(struct urls *urls)
{
    pthread_rwlock_wrlock(&urls->table_lock);
    pthread_mutex_lock(&urls->url_lock);
    pthread_rwlock_unlock(&urls->table_lock);
}

static void url_unlock(struct urls *urls)
{
    pthread_rwlock_rdlock(&urls->table_lock);
    pthread_mutex_unlock(&urls->url_lock);
    pthread_rwlock_unlock(&urls->table_lock);
}

static void *fetch(void *arg)
{
    struct urls *urls = arg;
    url_lock(urls);
    chan_receive(urls->unlock);
    url_unlock(urls);
    wait_group_done(urls->fetches);
    return NULL;
}

KERNEL(hugo_3251)
{
    struct urls *urls = NEW(struct urls);
    rw_lock_init(&urls->table_lock);
    pthread_mutex_init(&urls->url_lock, NULL);
    urls->unlock = chan_new(0);
    urls->fetches = wait_group_new(3);
    for (int i = 0; i < 3; i++)
        go(fetch, urls);
    await_asleep();
    chan_close(urls->unlock);
    wait_group_wait(urls->fetches);
}
