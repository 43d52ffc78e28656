/* A failed dial returns no connection, so nobody can close what it started. */
#include "kernel.h"

struct connection {
    struct chan *context;
};

static void *reset_address(void *arg)
{
    struct connection *connection = arg;
    chan_receive(connection->context);
    return NULL;
}

static __attribute__((noinline)) struct connection *dial(void)
{
    struct connection *connection = NEW(struct connection);
    connection->context = chan_new(0);
    go(reset_address, connection);
    return NULL;
}

KERNEL(grpc_862)
{
    dial();
}
