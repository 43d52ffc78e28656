/* A thousand threads of one site, or as many as the argument says, that wait for the same. */
#include "target.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void *wait_for_work(void *arg)
{
    pthread_mutex_lock(&lock);
    sem_post(&ready);
    while (!arg || *(int *)arg)
        pthread_cond_wait(&never, &lock);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static NOINLINE void start_pool(int threads)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, &small, wait_for_work, NULL) == 0);
    }
}

int main(int argc, char **argv)
{
    int threads = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 1000;
    start_pool(threads);
    await_ready(threads);
    pthread_mutex_lock(&lock); /* they have all given it back: they wait */
    pthread_mutex_unlock(&lock);
    puts("up");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
