/* keepalive() waits with the transport locked to be woken by a new stream, which wants the lock. */
#include "kernel.h"

struct transport {
    pthread_mutex_t lock;
    struct chan *awaken;
};

static void *keep_alive(void *arg)
{
    struct transport *transport = arg;
    pthread_mutex_lock(&transport->lock);
    chan_receive(transport->awaken);
    pthread_mutex_unlock(&transport->lock);
    return NULL;
}

static void *new_stream(void *arg)
{
    struct transport *transport = arg;
    pthread_mutex_lock(&transport->lock);
    chan_send(transport->awaken);
    pthread_mutex_unlock(&transport->lock);
    return NULL;
}

KERNEL(grpc_1460)
{
    struct transport *transport = NEW(struct transport);
    pthread_mutex_init(&transport->lock, NULL);
    transport->awaken = chan_new(0);
    go(keep_alive, transport);
    await_asleep();
    go(new_stream, transport);
}
