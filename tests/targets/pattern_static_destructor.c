/*
 * A static destructor joins a thread.  dlclose(3) runs the destructors of a library
 * with the loader's lock held.  The thread needs that lock to end: it calls dlsym(3).
 * Right: stop the thread by a call, before the library is closed.
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
    call_plugin("plugin_join_in_destructor");
    call_plugin("plugin_start");
    if (right)
        call_plugin("plugin_stop");
    dlclose(plugin);
    return end_example();
}
