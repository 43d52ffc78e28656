/* Four threads make the first recorded creations of the process at the same time. Their own creation is not
 * seen: it is called by an address from dlsym. */
#include "target.h"

#include <dlfcn.h>

#define CREATORS 4

static pthread_barrier_t all_run, all_created;

static void *create(void *arg)
{
    pthread_t thread;
    pthread_barrier_wait(&all_run);
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    pthread_barrier_wait(&all_created);
    return stay(arg);
}

int main(void)
{
    int (*real_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    pthread_t thread;
    *(void **)&real_create = dlsym(dlopen("libc.so.6", RTLD_NOW), "pthread_create");
    CHECK(real_create);
    pthread_barrier_init(&all_run, NULL, CREATORS);
    pthread_barrier_init(&all_created, NULL, CREATORS + 1);
    for (int i = 0; i < CREATORS; i++)
        CHECK(real_create(&thread, NULL, create, NULL) == 0);
    pthread_barrier_wait(&all_created);
    return 0;
}
