/* A frame is written with the lock held while the channel is full; the only reader wants the lock. */
#include "kernel.h"

struct connection {
    pthread_mutex_t write_lock;
    struct chan *reset, *closed;
};

static void *monitor(void *arg)
{
    struct connection *connection = arg;
    chan_receive(connection->closed);
    pthread_mutex_lock(&connection->write_lock);
    pthread_mutex_unlock(&connection->write_lock);
    chan_receive(connection->reset);
    return NULL;
}

static void *write_frame(void *arg)
{
    struct connection *connection = arg;
    pthread_mutex_lock(&connection->write_lock);
    chan_send(connection->reset);
    pthread_mutex_unlock(&connection->write_lock);
    return NULL;
}

KERNEL(kubernetes_6632)
{
    struct connection *connection = NEW(struct connection);
    pthread_mutex_init(&connection->write_lock, NULL);
    connection->reset = chan_new(0);
    connection->closed = chan_new(0);
    go(monitor, connection);
    go(write_frame, connection);
    await_asleep();
    chan_send(connection->closed);
}
