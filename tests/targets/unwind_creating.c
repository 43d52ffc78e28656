/* Threads that begin and end all the time, to be caught in libc's hand-written clone3. */
#include "attributes.h"

#include <pthread.h>
#include <stdio.h>

static void *run(void *arg)
{
    return arg;
}

NOINLINE int make(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

int main(void)
{
    puts("ready");
    fflush(stdout);
    while (make())
        ;
    return 1;
}
