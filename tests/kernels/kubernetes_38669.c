/* The watcher sends its first events into a channel that nobody reads; stop() does not reach it there. */
#include "kernel.h"

struct watcher {
    struct chan *input, *result;
};

static void *process(void *arg)
{
    struct watcher *watcher = arg;
    for (int i = 0; i < 2; i++)
        chan_send(watcher->result);
    while (chan_receive(watcher->input))
        ;
    return NULL;
}

static __attribute__((noinline)) void start_and_stop(void)
{
    struct watcher *watcher = NEW(struct watcher);
    watcher->input = chan_new(0);
    watcher->result = chan_new(0);
    go(process, watcher);
    chan_close(watcher->input);
}

KERNEL(kubernetes_38669)
{
    start_and_stop();
}
