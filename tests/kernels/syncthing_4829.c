/* clear_addresses() holds the lock of the mapping, and notifies with a function that takes it. */
#include "kernel.h"

struct mapping {
    pthread_mutex_t lock;
    int addresses;
};

static void notify(struct mapping *mapping)
{
    pthread_mutex_lock(&mapping->lock);
    pthread_mutex_unlock(&mapping->lock);
}

static void clear_addresses(struct mapping *mapping)
{
    pthread_mutex_lock(&mapping->lock);
    mapping->addresses = 0;
    notify(mapping);
    pthread_mutex_unlock(&mapping->lock);
}

KERNEL(syncthing_4829)
{
    struct mapping *mapping = NEW(struct mapping);
    pthread_mutex_init(&mapping->lock, NULL);
    clear_addresses(mapping);
}
