/* stop() waits for all tasks with the mutex locked.  A task wants it in order to begin. */
#include "kernel.h"

struct stopper {
    pthread_mutex_t lock;
    struct chan *stopping, *begin, *done;
    struct wait_group *tasks;
};

static void *run_task(void *arg)
{
    struct stopper *stopper = arg;
    chan_receive(stopper->begin);
    pthread_mutex_lock(&stopper->lock);
    pthread_mutex_unlock(&stopper->lock);
    chan_receive(stopper->stopping);
    wait_group_done(stopper->tasks);
    return NULL;
}

static void *stop(void *arg)
{
    struct stopper *stopper = arg;
    pthread_mutex_lock(&stopper->lock);
    chan_close(stopper->stopping);
    wait_group_wait(stopper->tasks);
    pthread_mutex_unlock(&stopper->lock);
    chan_close(stopper->done);
    return NULL;
}

KERNEL(cockroach_1055)
{
    struct stopper *stopper = NEW(struct stopper);
    pthread_mutex_init(&stopper->lock, NULL);
    stopper->stopping = chan_new(0);
    stopper->begin = chan_new(0);
    stopper->done = chan_new(0);
    stopper->tasks = wait_group_new(1);
    go(run_task, stopper);
    go(stop, stopper);
    await_asleep();
    chan_close(stopper->begin);
    chan_receive(stopper->done);
}
