/* A cancelled flow sends to each of its streams; the first one is full, and the second gets nothing. */
#include "kernel.h"

static void *read_right(void *stream)
{
    chan_receive(stream);
    return NULL;
}

KERNEL(cockroach_35931)
{
    struct chan *left = chan_new(1), *right = chan_new(1);
    go(read_right, right);
    chan_send(left);
    chan_send(left);
    chan_send(right);
}
