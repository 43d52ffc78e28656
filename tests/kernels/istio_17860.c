/* The agent returns when it is cancelled, and nobody receives the status of its two epochs. */
#include "kernel.h"

struct agent {
    struct chan *status, *cancelled;
};

static void *run_agent(void *arg)
{
    struct agent *agent = arg;
    struct chan *inputs[] = {agent->cancelled, agent->status};
    while (chan_select(inputs, 2) != 0)
        ;
    return NULL;
}

static void *run_wait(void *arg)
{
    struct agent *agent = arg;
    chan_send(agent->status);
    return NULL;
}

static __attribute__((noinline)) void test(void)
{
    struct agent *agent = NEW(struct agent);
    agent->status = chan_new(0);
    agent->cancelled = chan_new(0);
    chan_close(agent->cancelled);
    go(run_agent, agent);
    await_asleep();
    go(run_wait, agent);
    go(run_wait, agent);
}

KERNEL(istio_17860)
{
    test();
}
