/*
 * A ticker without an end.  The thread wakes up once a minute and flushes, for as long
 * as the process lives.  Right: it waits with a timeout for the word to stop, and the
 * owner joins it.
 */
#include "pattern.h"

struct ticker {
    pthread_t thread;
    sem_t stop;
};

static void *tick(void *arg)
{
    struct ticker *ticker = arg;
    struct timespec next;
    clock_gettime(CLOCK_REALTIME, &next);
    do
        next.tv_sec += 60;
    while (sem_timedwait(&ticker->stop, &next) != 0);
    return NULL;
}

static NOINLINE void use_cache(void)
{
    struct ticker *ticker = calloc(1, sizeof(*ticker));
    CHECK(ticker);
    sem_init(&ticker->stop, 0, 0);
    ticker->thread = start(tick, ticker);
    if (!right)
        return;
    sem_post(&ticker->stop);
    pthread_join(ticker->thread, NULL);
    free(ticker);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    use_cache();
    return end_example();
}
