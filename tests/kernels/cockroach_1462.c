/* The reader of events stops first.  Nothing stops the sender of events, and stop() waits for both. */
#include "kernel.h"

struct transport {
    struct chan *events, *stopping, *begin;
    struct wait_group *workers;
};

static void *send_events(void *arg)
{
    struct transport *transport = arg;
    chan_receive(transport->begin); /* it saw no stop, and goes on */
    chan_send(transport->events);
    wait_group_done(transport->workers);
    return NULL;
}

static void *process_events(void *arg)
{
    struct transport *transport = arg;
    struct chan *inputs[] = {transport->events, transport->stopping};
    while (chan_select(inputs, 2) == 0)
        ;
    wait_group_done(transport->workers);
    return NULL;
}

KERNEL(cockroach_1462)
{
    struct transport *transport = NEW(struct transport);
    transport->events = chan_new(0);
    transport->stopping = chan_new(0);
    transport->begin = chan_new(0);
    transport->workers = wait_group_new(2);
    go(send_events, transport);
    go(process_events, transport);
    chan_close(transport->stopping);
    await_asleep();
    chan_close(transport->begin);
    wait_group_wait(transport->workers);
}
