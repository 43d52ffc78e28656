/* wait_for() returns early.  The test then waits for a channel that only its own end would close. */
#include "kernel.h"

static void *poll_until(void *stop)
{
    chan_receive(stop); /* in Go it also polls */
    return NULL;
}

KERNEL(kubernetes_70277)
{
    struct chan *stop = chan_new(0);
    go(poll_until, stop);
    chan_receive(stop);
    chan_close(stop);
}
