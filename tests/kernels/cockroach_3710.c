/* A reader takes its read lock a second time, after a writer came between. */
#include "kernel.h"

struct store {
    pthread_rwlock_t lock;
    struct chan *again;
};

static void raft_status(struct store *store)
{
    pthread_rwlock_rdlock(&store->lock);
    pthread_rwlock_unlock(&store->lock);
}

static void *force_scan(void *arg)
{
    struct store *store = arg;
    pthread_rwlock_rdlock(&store->lock);
    chan_receive(store->again);
    raft_status(store);
    pthread_rwlock_unlock(&store->lock);
    return NULL;
}

static void *process_raft(void *arg)
{
    struct store *store = arg;
    pthread_rwlock_wrlock(&store->lock);
    pthread_rwlock_unlock(&store->lock);
    return NULL;
}

KERNEL(cockroach_3710)
{
    struct store *store = NEW(struct store);
    rw_lock_init(&store->lock);
    store->again = chan_new(0);
    go(force_scan, store);
    await_asleep();
    go(process_raft, store);
    await_asleep();
    chan_close(store->again);
}
