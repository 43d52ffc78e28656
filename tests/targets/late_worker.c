/* A worker that begins late misses the only wake-up, and leaks. It is rarely late. */
#include "target.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go = PTHREAD_COND_INITIALIZER;

static void *worker(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&go, &mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    CHECK(pthread_detach(start(worker, NULL)) == 0);
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&go);
    pthread_mutex_unlock(&mutex);
    return 0;
}
