/* The benchmark returns without taking what its worker sends. */
#include "kernel.h"

struct client {
    struct chan *stop, *done;
};

static void *do_unary(void *arg)
{
    struct client *client = arg;
    chan_send(client->done);
    return NULL;
}

static void *stop(void *arg)
{
    struct client *client = arg;
    chan_send(client->stop);
    return NULL;
}

static __attribute__((noinline)) void run_benchmark(void)
{
    struct client *client = NEW(struct client);
    client->stop = chan_new(0);
    client->done = chan_new(0);
    go(do_unary, client);
    go(stop, client);
    chan_receive(client->stop);
}

KERNEL(grpc_660)
{
    run_benchmark();
}
