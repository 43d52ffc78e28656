/* The state is locked for reading twice, and a container is removed in between. */
#include "kernel.h"

struct state {
    pthread_rwlock_t lock;
    struct chan *again;
};

static void *reconcile(void *arg)
{
    struct state *state = arg;
    pthread_rwlock_rdlock(&state->lock);
    chan_receive(state->again);
    pthread_rwlock_rdlock(&state->lock);
    pthread_rwlock_unlock(&state->lock);
    pthread_rwlock_unlock(&state->lock);
    return NULL;
}

static void *remove_container(void *arg)
{
    struct state *state = arg;
    pthread_rwlock_wrlock(&state->lock);
    pthread_rwlock_unlock(&state->lock);
    return NULL;
}

KERNEL(kubernetes_62464)
{
    struct state *state = NEW(struct state);
    rw_lock_init(&state->lock);
    state->again = chan_new(0);
    go(reconcile, state);
    await_asleep();
    go(remove_container, state);
    await_asleep();
    chan_close(state->again);
}
