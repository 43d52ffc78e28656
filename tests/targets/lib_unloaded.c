/* A library with a thread of its own, for unloaded.c. */
#include <dlfcn.h>
#include <stdlib.h>

#include "unloaded.h"

unloaded_start inner_start;
void inner_call(void *(*routine)(void *), struct unloaded *shared);
int inner_unload(void *self);

static void *inner_work(void *arg)
{
    struct unloaded *shared = arg;
    shared->wait(shared);
    return NULL;
}

void inner_call(void *(*routine)(void *), struct unloaded *shared)
{
    if (pthread_create(&shared->thread, NULL, routine, shared) != 0)
        abort();
}

void inner_start(struct unloaded *shared)
{
    inner_call(inner_work, shared);
}

int inner_unload(void *self)
{
    int result = dlclose(self);
    return result;
}
