/* A callback that is called with the lock held locks it again. */
#include "kernel.h"

struct lessor {
    pthread_mutex_t lock;
    void (*checkpoint)(struct lessor *);
};

static void checkpoint(struct lessor *lessor)
{
    pthread_mutex_lock(&lessor->lock);
    pthread_mutex_unlock(&lessor->lock);
}

KERNEL(etcd_10492)
{
    struct lessor *lessor = NEW(struct lessor);
    pthread_mutex_init(&lessor->lock, NULL);
    lessor->checkpoint = checkpoint;
    pthread_mutex_lock(&lessor->lock);
    lessor->checkpoint(lessor);
    pthread_mutex_unlock(&lessor->lock);
}
