/* A handler sends with the mutex locked.  The test wants the mutex before it receives. */
#include "kernel.h"

struct controller {
    pthread_mutex_t lock;
    struct chan *events, *done;
};

static void *run_monitor(void *arg)
{
    struct controller *controller = arg;
    chan_receive(controller->events);
    pthread_mutex_lock(&controller->lock);
    chan_send(controller->done);
    pthread_mutex_unlock(&controller->lock);
    return NULL;
}

KERNEL(istio_16224)
{
    struct controller *controller = NEW(struct controller);
    pthread_mutex_init(&controller->lock, NULL);
    controller->events = chan_new(0);
    controller->done = chan_new(0);
    go(run_monitor, controller);
    chan_send(controller->events);
    await_asleep();
    pthread_mutex_lock(&controller->lock);
    pthread_mutex_unlock(&controller->lock);
    chan_receive(controller->done);
}
