/* Cancelling stops the one that receives, and not the one that sends. */
#include "kernel.h"

static void *split_and_scatter(void *ready)
{
    for (int i = 0; i < 3; i++)
        chan_send(ready);
    return NULL;
}

static __attribute__((noinline)) void restore(struct chan *cancelled)
{
    struct chan *inputs[] = {chan_new(0), cancelled};
    go(split_and_scatter, inputs[0]);
    chan_receive(inputs[0]);
    chan_close(cancelled);
    chan_receive(cancelled);
}

KERNEL(cockroach_18101)
{
    restore(chan_new(0));
}
