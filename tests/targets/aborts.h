/*
 * For programs that end by abort(), or call it and do not end. Without the shim and with it, each has the
 * same status and prints the same.
 *
 *   PROGRAM WAY
 *   PROGRAM list
 */
#ifndef ABORTS_H
#define ABORTS_H

#include "target.h"

static NOINLINE void give_up(void)
{
    abort();
}

static void keep_threads(void)
{
    start(stay, NULL);
    start(stay, NULL);
    await_ready(2);
}

__attribute__((unused)) static void fault(void)
{
    *(volatile int *)8 = 1;
}

struct way {
    const char *name;
    void (*run)(void);
};

#define WAY(name_)                   \
    {                                \
        .name = #name_, .run = name_ \
    }

static int run_way(const struct way *ways, size_t count, int argc, char **argv)
{
    CHECK(argc >= 2);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(argv[1], "list") == 0)
            puts(ways[i].name);
        else if (strcmp(argv[1], ways[i].name) == 0)
            ways[i].run();
    }
    return strcmp(argv[1], "list") == 0 ? 0 : 3;
}

#endif
