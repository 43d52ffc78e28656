/*
 * Shutdown wakes one of several workers.  pool_stop() sets the flag and calls
 * pthread_cond_signal() once.  One worker ends, the others sleep on, and the join of
 * the second one hangs.  Right: pthread_cond_broadcast().
 */
#include "pattern.h"

enum { WORKERS = 3 };

static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jobs_ready = PTHREAD_COND_INITIALIZER;
static bool stopping;

static void *work(void *arg)
{
    pthread_mutex_lock(&jobs_lock);
    while (!stopping) {
        sem_post(&ready);
        pthread_cond_wait(&jobs_ready, &jobs_lock);
    }
    pthread_mutex_unlock(&jobs_lock);
    return arg;
}

static void pool_stop(pthread_t *workers)
{
    pthread_mutex_lock(&jobs_lock);
    stopping = true;
    if (right)
        pthread_cond_broadcast(&jobs_ready);
    else
        pthread_cond_signal(&jobs_ready);
    pthread_mutex_unlock(&jobs_lock);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
}

int main(int argc, char **argv)
{
    pthread_t workers[WORKERS];
    choose(argc, argv);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start(work, NULL);
    await_ready(WORKERS);
    pool_stop(workers);
    return end_example();
}
