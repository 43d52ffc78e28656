/* Removing a watch waits for an event to be ignored; its reader waits to hand over an event to the remover.
 */
#include "kernel.h"

struct watcher {
    pthread_mutex_t lock;
    pthread_cond_t ignored;
    struct chan *events, *close;
};

static void *read_events(void *arg)
{
    struct watcher *watcher = arg;
    chan_send(watcher->events);
    pthread_mutex_lock(&watcher->lock);
    pthread_cond_broadcast(&watcher->ignored);
    pthread_mutex_unlock(&watcher->lock);
    return NULL;
}

static void *follow_logs(void *arg)
{
    struct watcher *watcher = arg;
    chan_receive(watcher->close);
    pthread_mutex_lock(&watcher->lock);
    pthread_cond_wait(&watcher->ignored, &watcher->lock);
    pthread_mutex_unlock(&watcher->lock);
    chan_receive(watcher->events);
    return NULL;
}

static __attribute__((noinline)) void read_logs(void)
{
    struct watcher *watcher = NEW(struct watcher);
    pthread_mutex_init(&watcher->lock, NULL);
    pthread_cond_init(&watcher->ignored, NULL);
    watcher->events = chan_new(0);
    watcher->close = chan_new(0);
    go(read_events, watcher);
    go(follow_logs, watcher);
    chan_close(watcher->close);
}

KERNEL(moby_27782)
{
    read_logs();
}
