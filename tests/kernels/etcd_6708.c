/* sync() locks the client, and asks for the leader through the same client. */
#include "kernel.h"

struct client {
    pthread_mutex_t lock;
};

static void get_leader(struct client *client)
{
    pthread_mutex_lock(&client->lock);
    pthread_mutex_unlock(&client->lock);
}

KERNEL(etcd_6708)
{
    struct client *client = NEW(struct client);
    pthread_mutex_init(&client->lock, NULL);
    pthread_mutex_lock(&client->lock);
    get_leader(client);
    pthread_mutex_unlock(&client->lock);
}
