/* The wait for all plugins is inside the loop that starts them. */
#include "kernel.h"

enum { PLUGINS = 3 };

static void *restore_plugin(void *group)
{
    wait_group_done(group);
    return NULL;
}

KERNEL(moby_25384)
{
    struct wait_group *group = wait_group_new(PLUGINS);
    for (int i = 0; i < PLUGINS; i++) {
        go(restore_plugin, group);
        wait_group_wait(group);
    }
}
