/* A library for dlopen: its constructor has threads made, its destructor joins one of them. */
#include "target.h"

/* Of the program, so that it stays when the library goes. */
extern void *plugin_stay(void *arg);

static pthread_t thread;

__attribute__((constructor)) static void load(void)
{
    thread = start(nothing, NULL);
    CHECK(pthread_detach(start(plugin_stay, NULL)) == 0);
}

__attribute__((destructor)) static void unload(void)
{
    CHECK(pthread_join(thread, NULL) == 0);
}
