/*
 * Fire and forget on an error path.  A thread sends the error report, and nobody keeps
 * its handle.  Each error costs a stack and a descriptor.  Right: the thread is
 * created detached.
 */
#include "pattern.h"

static void *send_report(void *arg)
{
    return arg;
}

static NOINLINE void on_error(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    if (right)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    CHECK(pthread_create(&thread, &attr, send_report, NULL) == 0);
    pthread_attr_destroy(&attr);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    for (int i = 0; i < 3; i++)
        on_error();
    await_alone();
    return end_example();
}
