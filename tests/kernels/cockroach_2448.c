/* Each of two threads sends to the other one, and neither receives. */
#include "kernel.h"

struct store {
    struct chan *events, *callbacks;
};

static void *process_raft(void *arg)
{
    struct store *store = arg;
    chan_receive(store->events);
    chan_send(store->callbacks);
    return NULL;
}

static void *run_multiraft(void *arg)
{
    struct store *store = arg;
    chan_send(store->events);
    chan_send(store->events);
    chan_receive(store->callbacks);
    return NULL;
}

KERNEL(cockroach_2448)
{
    struct store *store = NEW(struct store);
    store->events = chan_new(0);
    store->callbacks = chan_new(0);
    go(process_raft, store);
    go(run_multiraft, store);
}
