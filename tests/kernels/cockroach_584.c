/* A loop is left with its mutex locked, and the next function locks it again. */
#include "kernel.h"

struct gossip {
    pthread_mutex_t lock;
    bool closed;
};

static void bootstrap(struct gossip *gossip)
{
    for (;;) {
        pthread_mutex_lock(&gossip->lock);
        if (gossip->closed)
            break; /* no unlock */
        pthread_mutex_unlock(&gossip->lock);
    }
}

static void *run_gossip(void *arg)
{
    bootstrap(arg);
    bootstrap(arg);
    return NULL;
}

KERNEL(cockroach_584)
{
    struct gossip *gossip = NEW(struct gossip);
    pthread_mutex_init(&gossip->lock, NULL);
    gossip->closed = true;
    go(run_gossip, gossip);
}
