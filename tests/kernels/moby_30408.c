/* The activation fails, and nobody signals the condition. */
#include "kernel.h"

struct plugin {
    pthread_mutex_t lock;
    pthread_cond_t activated;
    bool has_manifest;
    struct chan *done;
};

static void *wait_active(void *arg)
{
    struct plugin *plugin = arg;
    pthread_mutex_lock(&plugin->lock);
    while (!plugin->has_manifest)
        pthread_cond_wait(&plugin->activated, &plugin->lock);
    pthread_mutex_unlock(&plugin->lock);
    chan_close(plugin->done);
    return NULL;
}

KERNEL(moby_30408)
{
    struct plugin *plugin = NEW(struct plugin);
    pthread_mutex_init(&plugin->lock, NULL);
    pthread_cond_init(&plugin->activated, NULL);
    plugin->done = chan_new(0);
    go(wait_active, plugin);
    chan_receive(plugin->done);
}
