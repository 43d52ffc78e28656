/* Two threads delete one device: the first gave up the global lock for a moment. */
#include "kernel.h"

struct devices {
    pthread_mutex_t lock, device_lock;
    struct chan *removed;
};

static void *delete_device(void *arg)
{
    struct devices *devices = arg;
    pthread_mutex_lock(&devices->lock);
    pthread_mutex_lock(&devices->device_lock);
    pthread_mutex_unlock(&devices->lock);
    chan_receive(devices->removed);
    pthread_mutex_lock(&devices->lock);
    pthread_mutex_unlock(&devices->device_lock);
    pthread_mutex_unlock(&devices->lock);
    return NULL;
}

KERNEL(moby_4951)
{
    struct devices *devices = NEW(struct devices);
    pthread_mutex_init(&devices->lock, NULL);
    pthread_mutex_init(&devices->device_lock, NULL);
    devices->removed = chan_new(0);
    go(delete_device, devices);
    await_asleep();
    go(delete_device, devices);
    await_asleep();
    chan_close(devices->removed);
}
