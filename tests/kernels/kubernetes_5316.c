/* A request times out, and its thread then sends the result to nobody. */
#include "kernel.h"

static void *call(void *result)
{
    chan_send(result);
    return NULL;
}

static __attribute__((noinline)) void finish_request(struct chan *timeout)
{
    struct chan *inputs[] = {timeout, chan_new(0)};
    chan_select(inputs, 2);
    go(call, inputs[1]);
}

KERNEL(kubernetes_5316)
{
    struct chan *timeout = chan_new(0);
    chan_close(timeout);
    finish_request(timeout);
}
