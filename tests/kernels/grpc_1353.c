/* The balancer sends an update under the lock that its reader wants before it reads again. */
#include "kernel.h"

struct balancer {
    pthread_mutex_t lock;
    struct chan *updates, *down;
};

static void *watch_addresses(void *arg)
{
    struct balancer *balancer = arg;
    for (;;) {
        pthread_mutex_lock(&balancer->lock);
        chan_send(balancer->updates);
        pthread_mutex_unlock(&balancer->lock);
    }
    return NULL;
}

static void *watch_balancer(void *arg)
{
    struct balancer *balancer = arg;
    for (;;) {
        chan_receive(balancer->updates);
        chan_receive(balancer->down);
        pthread_mutex_lock(&balancer->lock);
        pthread_mutex_unlock(&balancer->lock);
    }
    return NULL;
}

KERNEL(grpc_1353)
{
    struct balancer *balancer = NEW(struct balancer);
    pthread_mutex_init(&balancer->lock, NULL);
    balancer->updates = chan_new(0);
    balancer->down = chan_new(0);
    go(watch_addresses, balancer);
    go(watch_balancer, balancer);
    await_asleep();
    chan_close(balancer->down);
}
