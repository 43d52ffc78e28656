/* pop() waits for the stop with the lock held; the one who would stop waits for someone that wants the lock.
 */
#include "kernel.h"

struct listener {
    pthread_mutex_t lock;
    struct chan *stop, *result;
};

static void *pop(void *arg)
{
    struct listener *listener = arg;
    pthread_mutex_lock(&listener->lock);
    chan_receive(listener->stop);
    pthread_mutex_unlock(&listener->lock);
    return NULL;
}

static void *add(void *arg)
{
    struct listener *listener = arg;
    pthread_mutex_lock(&listener->lock);
    pthread_mutex_unlock(&listener->lock);
    chan_close(listener->result);
    return NULL;
}

KERNEL(kubernetes_26980)
{
    struct listener *listener = NEW(struct listener);
    pthread_mutex_init(&listener->lock, NULL);
    listener->stop = chan_new(0);
    listener->result = chan_new(0);
    go(pop, listener);
    await_asleep();
    go(add, listener);
    chan_receive(listener->result);
    chan_close(listener->stop);
}
