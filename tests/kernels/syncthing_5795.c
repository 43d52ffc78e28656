/* The dispatcher closes the connection from a callback, and so waits for its own end. */
#include "kernel.h"

struct connection {
    struct chan *inbox, *closed, *dispatcher_stopped;
};

static void close_connection(struct connection *connection)
{
    chan_close(connection->closed);
    chan_receive(connection->dispatcher_stopped);
}

static void *read_loop(void *arg)
{
    struct connection *connection = arg;
    chan_receive(connection->closed);
    return NULL;
}

static void *dispatch(void *arg)
{
    struct connection *connection = arg;
    struct chan *inputs[] = {connection->inbox, connection->closed};
    if (chan_select(inputs, 2) == 0)
        close_connection(connection);
    chan_close(connection->dispatcher_stopped);
    return NULL;
}

KERNEL(syncthing_5795)
{
    struct connection *connection = NEW(struct connection);
    connection->inbox = chan_new(0);
    connection->closed = chan_new(0);
    connection->dispatcher_stopped = chan_new(0);
    go(read_loop, connection);
    go(dispatch, connection);
    chan_send(connection->inbox);
    chan_receive(connection->dispatcher_stopped);
}
