/* A library with a thread of its own, which loads and unloads another one, for unloaded.c. */
#include <dlfcn.h>
#include <stdlib.h>

#include "unloaded.h"

unloaded_start outer_start, outer_start_inner;

static void *inner;

__attribute__((constructor)) static void load(void)
{
    inner = dlopen("libunloaded.so", RTLD_NOW);
    if (!inner)
        abort();
}

__attribute__((destructor)) static void unload(void)
{
    if (dlclose(inner) != 0)
        abort();
}

static void *outer_work(void *arg)
{
    struct unloaded *shared = arg;
    shared->wait(shared);
    return NULL;
}

void outer_start(struct unloaded *shared)
{
    if (pthread_create(&shared->thread, NULL, outer_work, shared) != 0)
        abort();
}

void outer_start_inner(struct unloaded *shared)
{
    unloaded_start *start = (unloaded_start *)dlsym(inner, "inner_start");
    if (!start)
        abort();
    start(shared);
}
