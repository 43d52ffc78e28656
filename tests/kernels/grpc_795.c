/* A second graceful stop finds the mutex that the first one did not unlock. */
#include "kernel.h"

struct server {
    pthread_mutex_t lock;
};

static void *serve(void *arg)
{
    struct server *server = arg;
    pthread_mutex_lock(&server->lock);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void graceful_stop(struct server *server)
{
    pthread_mutex_lock(&server->lock); /* no unlock */
}

KERNEL(grpc_795)
{
    struct server *server = NEW(struct server);
    pthread_mutex_init(&server->lock, NULL);
    graceful_stop(server);
    go(serve, server);
    graceful_stop(server);
}
