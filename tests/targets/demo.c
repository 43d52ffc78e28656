/*
 * What goes wrong with threads, in one program: a pool whose workers nobody
 * stops, requests given up after a time-out whose threads finish later
 * and are never joined, and a watchdog detached and forgotten.
 */
#include "target.h"

/* ---- a pool of workers ------------------------------------------------- */

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t jobs_ready;
    int jobs, done, stop;
    pthread_t workers[4];
};

static void *worker_loop(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        while (pool->jobs == 0 && !pool->stop)
            pthread_cond_wait(&pool->jobs_ready, &pool->lock);
        if (pool->stop)
            break;
        pool->jobs--;
        if (++pool->done == 10)
            sem_post(&ready);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static NOINLINE struct pool *pool_start(void)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    CHECK(pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->jobs_ready, NULL);
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&pool->workers[i], NULL, worker_loop, pool) == 0);
        pthread_setname_np(pool->workers[i], "worker");
    }
    return pool;
}

static void pool_submit(struct pool *pool, int jobs)
{
    pthread_mutex_lock(&pool->lock);
    pool->jobs += jobs;
    pthread_cond_broadcast(&pool->jobs_ready);
    pthread_mutex_unlock(&pool->lock);
}

/* Forgets to stop the workers, and to join them. */
static void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->jobs = 0;
    pthread_mutex_unlock(&pool->lock);
}

/* ---- a request with a time-out ------------------------------------------- */

struct request {
    sem_t reply;
    pid_t tid;
};

static void *fetch(void *arg)
{
    struct request *request = arg;
    request->tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    await(&request->reply);
    return NULL;
}

/* On a time-out it hands the thread over to nobody. */
static NOINLINE int fetch_or_give_up(struct request *request, long timeout_ms)
{
    struct timespec until;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, fetch, request) == 0);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += timeout_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_setname_np(thread, "fetch");
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
}

/* ---- and a watchdog --------------------------------------------------------- */

static void *watch(void *arg)
{
    sem_post(&ready);
    for (;;)
        pause();
    return arg;
}

static NOINLINE void watchdog_start(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, watch, NULL) == 0);
    pthread_setname_np(thread, "watchdog");
    pthread_detach(thread);
}

int main(void)
{
    static struct request slow[2];

    watchdog_start();
    await_ready(1);
    struct pool *pool = pool_start();
    pool_submit(pool, 10);
    await_ready(1);
    for (int i = 0; i < 2; i++) {
        sem_init(&slow[i].reply, 0, 0);
        CHECK(fetch_or_give_up(&slow[i], 5) == ETIMEDOUT);
    }
    await_ready(2);
    for (int i = 0; i < 2; i++) {
        sem_post(&slow[i].reply); /* too late: nobody is waiting */
        await_gone(slow[i].tid);
    }
    pool_stop(pool);
    puts("demo: all done, goodbye");
    return 0;
}
