/* Asks whether the store drains by waiting until it does. */
#include "kernel.h"

struct store {
    struct chan *draining;
};

static void process_queue(struct store *store)
{
    chan_receive(store->draining);
}

KERNEL(cockroach_25456)
{
    struct store *store = NEW(struct store);
    store->draining = chan_new(0);
    process_queue(store);
}
