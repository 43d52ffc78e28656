/* An error is sent into the channel before the channel is returned to the one who would receive. */
#include "kernel.h"

static struct chan *container_wait(void)
{
    struct chan *error = chan_new(0);
    chan_send(error);
    return error;
}

static void *run_container(void *arg)
{
    chan_receive(container_wait());
    return arg;
}

KERNEL(moby_33293)
{
    go(run_container, NULL);
}
