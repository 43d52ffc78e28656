/* A plugin in a global table is never activated; the test waits for the thread that waits for it. */
#include "kernel.h"

struct plugin {
    pthread_mutex_t lock;
    pthread_cond_t activated;
    bool is_active;
    struct chan *done;
};

static struct plugin *plugins[1];

static void *wait_active(void *arg)
{
    struct plugin *plugin = arg;
    pthread_mutex_lock(&plugin->lock);
    while (!plugin->is_active)
        pthread_cond_wait(&plugin->activated, &plugin->lock);
    pthread_mutex_unlock(&plugin->lock);
    chan_close(plugin->done);
    return NULL;
}

KERNEL(moby_29733)
{
    struct plugin *plugin = NEW(struct plugin);
    pthread_mutex_init(&plugin->lock, NULL);
    pthread_cond_init(&plugin->activated, NULL);
    plugin->done = chan_new(0);
    plugins[0] = plugin;
    go(wait_active, plugin);
    chan_receive(plugin->done);
}
