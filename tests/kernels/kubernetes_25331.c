/* stop() cancels and takes the error, and not the result that is sent afterwards. */
#include "kernel.h"

struct watch {
    struct chan *result, *error;
};

static void *run_watch(void *arg)
{
    struct watch *watch = arg;
    chan_send(watch->error);
    chan_send(watch->result);
    return NULL;
}

static __attribute__((noinline)) void watch_and_stop(void)
{
    struct watch *watch = NEW(struct watch);
    watch->result = chan_new(0);
    watch->error = chan_new(0);
    go(run_watch, watch);
    chan_receive(watch->error);
}

KERNEL(kubernetes_25331)
{
    watch_and_stop();
}
