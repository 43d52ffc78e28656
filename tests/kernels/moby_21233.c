/* A test fails and returns; the transfer still sends progress to it, and a watcher waits for the transfer. */
#include "kernel.h"

struct transfer {
    struct chan *progress, *running;
};

static void *write_progress(void *arg)
{
    struct transfer *transfer = arg;
    for (int i = 0; i < 3; i++)
        chan_send(transfer->progress);
    chan_close(transfer->running);
    return NULL;
}

static void *watch(void *arg)
{
    struct transfer *transfer = arg;
    chan_receive(transfer->running);
    return NULL;
}

static __attribute__((noinline)) void test(void)
{
    struct transfer *transfer = NEW(struct transfer);
    transfer->progress = chan_new(0);
    transfer->running = chan_new(0);
    go(write_progress, transfer);
    go(watch, transfer);
    chan_receive(transfer->progress);
}

KERNEL(moby_21233)
{
    test();
}
