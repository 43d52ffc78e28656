/* For programs that do one of several things, which their first argument names: PROGRAM WAY, or PROGRAM list.
 */
#ifndef WAYS_H
#define WAYS_H

#include <stdio.h>
#include <string.h>

struct way {
    const char *name;
    void (*run)(void);
};

#define WAY(name_)                   \
    {                                \
        .name = #name_, .run = name_ \
    }

/* The status for main(): 2 if no way has that name. */
static int run_way(const struct way *ways, size_t count, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int status = 2;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, ways[i].name) == 0)
            ways[i].run();
        else if (strcmp(name, "list") == 0)
            puts(ways[i].name);
        else
            continue;
        status = 0;
    }
    return status;
}

#endif
