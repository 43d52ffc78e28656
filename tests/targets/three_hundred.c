/*
 * 300 threads of three sites. One of the 200 of the pool does something else than the others.
 *
 *   three_hundred: says "up", and goes on until its input ends
 */
#include "target.h"

enum { POOL = 200, READERS = 60, SLEEPERS = 40, ODD = 77 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jobs = PTHREAD_COND_INITIALIZER;
static sem_t never;

static NOINLINE void handle_job(void)
{
    for (;;)
        await(&never);
}

static NOINLINE void wait_for_job(void)
{
    pthread_mutex_lock(&lock);
    for (;;)
        pthread_cond_wait(&jobs, &lock);
}

static void *pool_worker(void *arg)
{
    char name[16];
    snprintf(name, sizeof(name), "pool-%d", (int)(size_t)arg);
    pthread_setname_np(pthread_self(), name);
    if ((size_t)arg == ODD)
        handle_job();
    wait_for_job();
    return NULL;
}

static void *read_pipe(void *arg)
{
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    CHECK(read(ends[0], &byte, 1) == 1);
    return arg;
}

static NOINLINE void start_pool(void)
{
    for (size_t i = 0; i < POOL; i++)
        CHECK(pthread_create(&(pthread_t){0}, NULL, pool_worker, (void *)i) == 0);
}

static NOINLINE void start_readers(void)
{
    for (size_t i = 0; i < READERS; i++)
        CHECK(pthread_create(&(pthread_t){0}, NULL, read_pipe, NULL) == 0);
}

static NOINLINE void start_sleepers(void)
{
    for (size_t i = 0; i < SLEEPERS; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
        CHECK(pthread_detach(thread) == 0);
    }
}

int main(void)
{
    char byte;
    sem_init(&never, 0, 0);
    start_pool();
    start_readers();
    start_sleepers();
    CHECK(write(1, "up\n", 3) == 3);
    (void)!read(0, &byte, 1);
    return 0;
}
