/*
 * Join under a lock that the thread needs.  main holds cache_lock and joins the
 * cleaner, which waits for cache_lock before it can end.  Right: join after unlock.
 */
#include "pattern.h"

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static bool stopping;

static void *clean(void *arg)
{
    bool stop = false;
    while (!stop) {
        pthread_mutex_lock(&cache_lock);
        stop = stopping;
        pthread_mutex_unlock(&cache_lock);
    }
    return arg;
}

static void cache_close(pthread_t cleaner)
{
    pthread_mutex_lock(&cache_lock);
    stopping = true;
    if (right)
        pthread_mutex_unlock(&cache_lock);
    pthread_join(cleaner, NULL);
    if (!right)
        pthread_mutex_unlock(&cache_lock);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    cache_close(start(clean, NULL));
    return end_example();
}
