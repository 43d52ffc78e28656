/*
 * Two threads are cancelled in the middle of joining others.  One of these is
 * joined later after all, the other is what leaks.
 */
#include "target.h"

static sem_t release;

static void *join_it(void *thread)
{
    sem_post(&ready);
    pthread_join((pthread_t)thread, NULL);
    CHECK(!"joined");
    return NULL;
}

static void cancel_join_of(pthread_t thread)
{
    void *value;
    pthread_t joiner = start(join_it, (void *)thread);
    await_ready(1);
    CHECK(pthread_cancel(joiner) == 0);
    CHECK(pthread_join(joiner, &value) == 0 && value == PTHREAD_CANCELED);
}

static NOINLINE pthread_t start_worker(void)
{
    return start(stay_until, &release);
}

static NOINLINE pthread_t start_leak(void)
{
    return start(stay, NULL);
}

int main(void)
{
    CHECK(sem_init(&release, 0, 0) == 0);
    pthread_t worker = start_worker(), leak = start_leak();
    await_ready(1);
    cancel_join_of(worker);
    cancel_join_of(leak);
    sem_post(&release);
    CHECK(pthread_join(worker, NULL) == 0);
    return 0;
}
