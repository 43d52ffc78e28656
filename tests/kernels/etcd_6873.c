/* stop() holds the lock and waits for the loop, whose coalesce() wants the lock. */
#include "kernel.h"

struct broadcasts {
    pthread_mutex_t lock;
    struct chan *updates, *coalesce, *done;
};

static void *run_broadcasts(void *arg)
{
    struct broadcasts *broadcasts = arg;
    while (chan_receive(broadcasts->updates)) {
        chan_receive(broadcasts->coalesce);
        pthread_mutex_lock(&broadcasts->lock);
        pthread_mutex_unlock(&broadcasts->lock);
    }
    chan_close(broadcasts->done);
    return NULL;
}

static void *stop(void *arg)
{
    struct broadcasts *broadcasts = arg;
    pthread_mutex_lock(&broadcasts->lock);
    chan_close(broadcasts->updates);
    chan_receive(broadcasts->done);
    pthread_mutex_unlock(&broadcasts->lock);
    return NULL;
}

KERNEL(etcd_6873)
{
    struct broadcasts *broadcasts = NEW(struct broadcasts);
    pthread_mutex_init(&broadcasts->lock, NULL);
    broadcasts->updates = chan_new(0);
    broadcasts->coalesce = chan_new(0);
    broadcasts->done = chan_new(0);
    go(run_broadcasts, broadcasts);
    chan_send(broadcasts->updates);
    go(stop, broadcasts);
    await_asleep();
    chan_close(broadcasts->coalesce);
}
