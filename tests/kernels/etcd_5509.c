/* A failed acquire() returns with the read lock held, and close() waits to write. */
#include "kernel.h"

struct client {
    pthread_rwlock_t lock;
    bool closed;
    struct chan *done;
};

static void *get(void *arg)
{
    struct client *client = arg;
    pthread_rwlock_rdlock(&client->lock);
    if (!client->closed)
        pthread_rwlock_unlock(&client->lock);
    chan_close(client->done);
    return NULL;
}

KERNEL(etcd_5509)
{
    struct client *client = NEW(struct client);
    rw_lock_init(&client->lock);
    client->closed = true;
    client->done = chan_new(0);
    go(get, client);
    chan_receive(client->done);
    pthread_rwlock_wrlock(&client->lock);
    pthread_rwlock_unlock(&client->lock);
}
