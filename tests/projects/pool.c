#include "pool.h"

#include <pthread.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    int stopping;
    unsigned count;
    pthread_t threads[];
};

static void *pool_worker(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping)
        pthread_cond_wait(&pool->ready, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct pool *pool_start(unsigned threads)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->ready, NULL);
    while (pool->count < threads)
        pthread_create(&pool->threads[pool->count++], NULL, pool_worker, pool);
    return pool;
}

void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = 1;
    pthread_cond_broadcast(&pool->ready);
    pthread_mutex_unlock(&pool->lock);
    while (pool->count)
        pthread_join(pool->threads[--pool->count], NULL);
    free(pool);
}
