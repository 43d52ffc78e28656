/* distribute() sends a result with the mutex locked; the one who would receive wants the mutex in order to
 * stop. */
#include "kernel.h"

struct mux {
    pthread_mutex_t lock;
    struct chan *result;
};

static void *distribute(void *arg)
{
    struct mux *mux = arg;
    pthread_mutex_lock(&mux->lock);
    chan_send(mux->result);
    pthread_mutex_unlock(&mux->lock);
    return NULL;
}

static void stop_watching(struct mux *mux)
{
    pthread_mutex_lock(&mux->lock);
    chan_close(mux->result);
    pthread_mutex_unlock(&mux->lock);
}

KERNEL(kubernetes_1321)
{
    struct mux *mux = NEW(struct mux);
    pthread_mutex_init(&mux->lock, NULL);
    mux->result = chan_new(0);
    go(distribute, mux);
    await_asleep();
    stop_watching(mux);
}
