/* What each of these tests leaks: a thread, created in a function that is not the test's own. */
#include <pthread.h>
#include <unistd.h>

static void *wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void __attribute__((noinline, unused)) leak(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
}

static void *end_at_once(void *arg)
{
    return arg;
}

static void __attribute__((noinline, unused)) leak_nothing(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, end_at_once, NULL);
    pthread_join(thread, NULL);
}
