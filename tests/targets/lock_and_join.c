/* One thread holds a mutex, another waits for it, and main joins the first. Prints "up" before that, and ends
 * with its input. */
#include "target.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *hold(void *arg)
{
    CHECK(pthread_mutex_lock(&mutex) == 0);
    return stay(arg);
}

static void *want(void *arg)
{
    sem_post(&ready);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    return arg;
}

static void *end_with_input(void *arg)
{
    char byte;
    while (read(0, &byte, 1) > 0)
        ;
    _exit(0);
    return arg;
}

int main(void)
{
    pthread_t holder, waiter, reader;
    CHECK(pthread_create(&holder, NULL, hold, NULL) == 0);
    await_ready(1);
    CHECK(pthread_create(&waiter, NULL, want, NULL) == 0);
    await_ready(1);
    CHECK(pthread_create(&reader, NULL, end_with_input, NULL) == 0);
    CHECK(write(1, "up\n", 3) == 3);
    return pthread_join(holder, NULL);
}
