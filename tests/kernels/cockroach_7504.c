/* Two mutexes, locked in both orders. */
#include "kernel.h"

struct leases {
    pthread_mutex_t state_lock, names_lock;
    struct chan *go_on;
};

static void *release(void *arg)
{
    struct leases *leases = arg;
    pthread_mutex_lock(&leases->state_lock);
    chan_receive(leases->go_on);
    pthread_mutex_lock(&leases->names_lock);
    pthread_mutex_unlock(&leases->names_lock);
    pthread_mutex_unlock(&leases->state_lock);
    return NULL;
}

static void *acquire_by_name(void *arg)
{
    struct leases *leases = arg;
    pthread_mutex_lock(&leases->names_lock);
    chan_receive(leases->go_on);
    pthread_mutex_lock(&leases->state_lock);
    pthread_mutex_unlock(&leases->state_lock);
    pthread_mutex_unlock(&leases->names_lock);
    return NULL;
}

KERNEL(cockroach_7504)
{
    struct leases *leases = NEW(struct leases);
    pthread_mutex_init(&leases->state_lock, NULL);
    pthread_mutex_init(&leases->names_lock, NULL);
    leases->go_on = chan_new(0);
    go(release, leases);
    go(acquire_by_name, leases);
    await_asleep();
    chan_close(leases->go_on);
}
