/* up() sends a notification with the balancer locked.  Its only reader waits for up(), and close() for the
 * lock. */
#include "kernel.h"

struct balancer {
    pthread_mutex_t lock, connection_lock;
    struct chan *notify, *tear_down, *closed;
};

static void *watch_balancer(void *arg)
{
    struct balancer *balancer = arg;
    while (chan_receive(balancer->tear_down)) {
        pthread_mutex_lock(&balancer->connection_lock);
        pthread_mutex_unlock(&balancer->connection_lock);
        chan_receive(balancer->notify);
    }
    return NULL;
}

static void *reset_transport(void *arg)
{
    struct balancer *balancer = arg;
    pthread_mutex_lock(&balancer->connection_lock);
    pthread_mutex_lock(&balancer->lock);
    chan_send(balancer->notify);
    pthread_mutex_unlock(&balancer->lock);
    pthread_mutex_unlock(&balancer->connection_lock);
    return NULL;
}

static void *close_balancer(void *arg)
{
    struct balancer *balancer = arg;
    pthread_mutex_lock(&balancer->lock);
    pthread_mutex_unlock(&balancer->lock);
    chan_close(balancer->closed);
    return NULL;
}

KERNEL(etcd_7443)
{
    struct balancer *balancer = NEW(struct balancer);
    pthread_mutex_init(&balancer->lock, NULL);
    pthread_mutex_init(&balancer->connection_lock, NULL);
    balancer->notify = chan_new(1);
    balancer->tear_down = chan_new(0);
    balancer->closed = chan_new(0);
    chan_send(balancer->notify);
    go(watch_balancer, balancer);
    go(reset_transport, balancer);
    await_asleep();
    chan_send(balancer->tear_down);
    go(close_balancer, balancer);
    go(close_balancer, balancer);
    chan_receive(balancer->closed);
}
