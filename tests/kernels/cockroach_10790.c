/* The caller is cancelled after the first of its channels was ready.  The threads that drain them go on
 * waiting. */
#include "kernel.h"

static void *drain(void *chan)
{
    chan_receive(chan);
    return NULL;
}

static __attribute__((noinline)) void begin_commands(struct chan *cancelled)
{
    struct chan *commands[] = {chan_new(0), chan_new(0)};
    go(drain, commands[0]);
    go(drain, commands[1]);
    chan_receive(cancelled);
}

KERNEL(cockroach_10790)
{
    struct chan *cancelled = chan_new(0);
    chan_close(cancelled);
    begin_commands(cancelled);
}
