/* The store locks its heartbeats and then a replica; the replica's tick locks in the other order. */
#include "kernel.h"

struct replica {
    pthread_mutex_t raft_lock, heartbeats_lock;
    struct chan *go_on;
};

static void *send_heartbeats(void *arg)
{
    struct replica *replica = arg;
    pthread_mutex_lock(&replica->heartbeats_lock);
    chan_receive(replica->go_on);
    pthread_mutex_lock(&replica->raft_lock);
    pthread_mutex_unlock(&replica->raft_lock);
    pthread_mutex_unlock(&replica->heartbeats_lock);
    return NULL;
}

static void *tick(void *arg)
{
    struct replica *replica = arg;
    pthread_mutex_lock(&replica->raft_lock);
    chan_receive(replica->go_on);
    pthread_mutex_lock(&replica->heartbeats_lock);
    pthread_mutex_unlock(&replica->heartbeats_lock);
    pthread_mutex_unlock(&replica->raft_lock);
    return NULL;
}

KERNEL(cockroach_10214)
{
    struct replica *replica = NEW(struct replica);
    pthread_mutex_init(&replica->raft_lock, NULL);
    pthread_mutex_init(&replica->heartbeats_lock, NULL);
    replica->go_on = chan_new(0);
    go(send_heartbeats, replica);
    go(tick, replica);
    await_asleep();
    chan_close(replica->go_on);
}
