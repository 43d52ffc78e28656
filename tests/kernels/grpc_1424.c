/* Dialling fails at once, and nobody closes the channel that the watcher reads. */
#include "kernel.h"

struct connection {
    struct chan *done, *notify;
};

static void *watch_balancer(void *arg)
{
    struct connection *connection = arg;
    chan_receive(connection->notify);
    chan_send(connection->done);
    return NULL;
}

static void *start_balancer(void *arg)
{
    struct connection *connection = arg;
    chan_send(connection->notify);
    return NULL;
}

static __attribute__((noinline)) void dial(void)
{
    struct connection *connection = NEW(struct connection);
    connection->done = chan_new(0);
    connection->notify = chan_new(0);
    go(start_balancer, connection);
    go(watch_balancer, connection);
    await_asleep(); /* the deadline of the dial */
}

KERNEL(grpc_1424)
{
    dial();
}
