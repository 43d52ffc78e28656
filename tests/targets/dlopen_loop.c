/* A library that makes threads is loaded and unloaded 20 times: one site, however often. */
#include <dlfcn.h>
#include <libgen.h>

#include "target.h"

void *plugin_stay(void *arg);
void *plugin_stay(void *arg)
{
    return stay(arg);
}

int main(int argc, char **argv)
{
    char path[4096];
    (void)argc;
    snprintf(path, sizeof(path), "%s/libplugin.so", dirname(argv[0]));
    for (int i = 0; i < 20; i++) {
        void *plugin = dlopen(path, RTLD_NOW);
        if (!plugin)
            fprintf(stderr, "%s\n", dlerror());
        CHECK(plugin);
        await_ready(1);
        CHECK(dlclose(plugin) == 0);
        CHECK(!dlopen(path, RTLD_NOW | RTLD_NOLOAD));
    }
    return 0;
}
