/* A follower waits for the leader with the lock held; the leader wants the lock. */
#include "kernel.h"

struct election {
    pthread_mutex_t lock;
    struct chan *next, *follower_waits;
    struct wait_group *rounds;
};

static void *lead(void *arg)
{
    struct election *election = arg;
    chan_receive(election->follower_waits);
    pthread_mutex_lock(&election->lock);
    chan_close(election->next);
    pthread_mutex_unlock(&election->lock);
    wait_group_done(election->rounds);
    return NULL;
}

static void *follow(void *arg)
{
    struct election *election = arg;
    pthread_mutex_lock(&election->lock);
    chan_close(election->follower_waits);
    chan_receive(election->next);
    pthread_mutex_unlock(&election->lock);
    wait_group_done(election->rounds);
    return NULL;
}

KERNEL(etcd_7902)
{
    struct election *election = NEW(struct election);
    pthread_mutex_init(&election->lock, NULL);
    election->next = chan_new(0);
    election->follower_waits = chan_new(0);
    election->rounds = wait_group_new(2);
    go(lead, election);
    go(follow, election);
    wait_group_wait(election->rounds);
}
