/*
 * A plugin with a thread of its own, for the examples pattern_dlclose and
 * pattern_static_destructor.  Its object is in the heap, so it outlives the library.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

struct plugin {
    pthread_t thread;
    sem_t work;
    bool stopping;
};

static struct plugin *plugin;
static bool join_in_destructor;

void plugin_start(void);
void plugin_stop(void);
void plugin_join_in_destructor(void);

static void *work(void *arg)
{
    struct plugin *own = arg;
    while (!own->stopping)
        sem_wait(&own->work);
    (void)dlsym(RTLD_DEFAULT, "plugin_done"); /* an optional callback of the program */
    return NULL;
}

void plugin_start(void)
{
    plugin = calloc(1, sizeof(*plugin));
    if (!plugin)
        abort();
    sem_init(&plugin->work, 0, 0);
    if (pthread_create(&plugin->thread, NULL, work, plugin) != 0)
        abort();
}

void plugin_stop(void)
{
    plugin->stopping = true;
    sem_post(&plugin->work);
    pthread_join(plugin->thread, NULL);
    free(plugin);
    plugin = NULL;
}

void plugin_join_in_destructor(void)
{
    join_in_destructor = true;
}

__attribute__((destructor)) static void destroy(void)
{
    if (join_in_destructor && plugin)
        plugin_stop();
}
