/* The caller does not take the result of what it started. */
#include "kernel.h"

static void *call(void *result)
{
    chan_send(result);
    return NULL;
}

static __attribute__((noinline)) struct chan *start_call(void)
{
    struct chan *result = chan_new(0);
    go(call, result);
    return result;
}

KERNEL(moby_4395)
{
    start_call();
}
