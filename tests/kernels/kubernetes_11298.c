/* The service loop waits on its condition after the only notifier has ended. */
#include "kernel.h"

struct notifier {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct chan *done;
};

static void *notify(void *arg)
{
    struct notifier *notifier = arg;
    pthread_mutex_lock(&notifier->lock);
    pthread_cond_signal(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
    return NULL;
}

static void *serve(void *arg)
{
    struct notifier *notifier = arg;
    pthread_mutex_lock(&notifier->lock);
    pthread_cond_wait(&notifier->changed, &notifier->lock);
    pthread_mutex_unlock(&notifier->lock);
    chan_close(notifier->done);
    return NULL;
}

KERNEL(kubernetes_11298)
{
    struct notifier *notifier = NEW(struct notifier);
    pthread_mutex_init(&notifier->lock, NULL);
    pthread_cond_init(&notifier->changed, NULL);
    notifier->done = chan_new(0);
    go(notify, notifier);
    await_asleep();
    go(serve, notifier);
    chan_receive(notifier->done);
}
