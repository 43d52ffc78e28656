/* The monitor is stopped while a probe runs, and returns without its result. */
#include "kernel.h"

static void *probe(void *result)
{
    chan_send(result);
    return NULL;
}

static void *monitor(void *stop)
{
    struct chan *result = chan_new(0);
    chan_receive(stop);
    go(probe, result);
    return NULL;
}

static __attribute__((noinline)) void run_and_stop(void)
{
    struct chan *stop = chan_new(0);
    go(monitor, stop);
    chan_send(stop);
}

KERNEL(moby_33781)
{
    run_and_stop();
}
