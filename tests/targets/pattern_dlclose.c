/*
 * A library is unloaded under a thread.  When the thread wakes up, it returns into code
 * that is no longer there, and the process crashes.  Right: stop the thread, then call
 * dlclose(3).
 */
#include <dlfcn.h>

#include "pattern.h"

static void *plugin;

static void call_plugin(const char *name)
{
    void (*function)(void) = (void (*)(void))dlsym(plugin, name);
    CHECK(function);
    function();
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    plugin = dlopen("libpattern_plugin.so", RTLD_NOW);
    CHECK(plugin);
    call_plugin("plugin_start");
    await_asleep();
    if (right)
        call_plugin("plugin_stop");
    CHECK(dlclose(plugin) == 0);
    return end_example();
}
