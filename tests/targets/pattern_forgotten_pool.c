/*
 * Workers without shutdown.  A pool does its jobs, and then nobody has it any more.  Its
 * workers wait for the next job.  Right: the function that creates the pool stops it.
 */
#include "pattern.h"

enum { WORKERS = 3 };

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    pthread_t workers[WORKERS];
};

static void *work(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    sem_post(&ready);
    while (!pool->stopping)
        pthread_cond_wait(&pool->changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(pool->workers[i], NULL);
    free(pool);
}

static NOINLINE void run_jobs(void)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    CHECK(pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    for (int i = 0; i < WORKERS; i++)
        pool->workers[i] = start(work, pool);
    await_ready(WORKERS);
    if (right)
        pool_stop(pool);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    run_jobs();
    return end_example();
}
