/* The container's lock is held while its monitor is being stopped; the monitor wants the lock first. */
#include "kernel.h"

struct container {
    pthread_mutex_t lock;
    struct chan *stop, *probed;
};

static void *monitor(void *arg)
{
    struct container *container = arg;
    chan_receive(container->probed);
    pthread_mutex_lock(&container->lock); /* the result of the probe */
    pthread_mutex_unlock(&container->lock);
    chan_receive(container->stop);
    return NULL;
}

static void *change_state(void *arg)
{
    struct container *container = arg;
    pthread_mutex_lock(&container->lock);
    chan_send(container->stop);
    pthread_mutex_unlock(&container->lock);
    return NULL;
}

KERNEL(moby_28462)
{
    struct container *container = NEW(struct container);
    pthread_mutex_init(&container->lock, NULL);
    container->stop = chan_new(0);
    container->probed = chan_new(0);
    go(monitor, container);
    go(change_state, container);
    await_asleep();
    chan_close(container->probed);
}
