/* The loop waits for a timer that was stopped by someone else, and the channel to it fills up. */
#include "kernel.h"

struct strategy {
    struct chan *reset, *timer;
};

static void *run_event_loop(void *arg)
{
    struct strategy *strategy = arg;
    chan_receive(strategy->reset);
    chan_receive(strategy->timer);
    return NULL;
}

static void *process_events(void *arg)
{
    struct strategy *strategy = arg;
    for (int i = 0; i < 3; i++)
        chan_send(strategy->reset);
    return NULL;
}

static __attribute__((noinline)) void start_processor(void)
{
    struct strategy *strategy = NEW(struct strategy);
    strategy->reset = chan_new(1);
    strategy->timer = chan_new(1);
    go(run_event_loop, strategy);
    go(process_events, strategy);
}

KERNEL(istio_18454)
{
    start_processor();
}
