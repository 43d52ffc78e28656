/* Joins that fail take nothing: EBUSY, ETIMEDOUT, EDEADLK, EINVAL; later ones succeed. */
#include "target.h"

static const char *error_name(int error)
{
    return error == EBUSY ? "EBUSY" : error == EINVAL ? "EINVAL" : error == EDEADLK ? "EDEADLK" : "ETIMEDOUT";
}

static void *join_self(void *arg)
{
    (void)arg;
    return (void *)(long)pthread_join(pthread_self(), NULL);
}

static void fail_all_ways(pthread_t thread)
{
    struct timespec past = {1, 0};
    printf("tryjoin: %s\n", error_name(pthread_tryjoin_np(thread, NULL)));
    printf("timedjoin: %s\n", error_name(pthread_timedjoin_np(thread, NULL, &past)));
    printf("clockjoin: %s\n", error_name(pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &past)));
}

int main(void)
{
    sem_t release;
    void *value;

    CHECK(sem_init(&release, 0, 0) == 0);
    pthread_t worker = start(stay_until, &release);
    fail_all_ways(worker);
    sem_post(&release);
    CHECK(pthread_join(worker, NULL) == 0);

    CHECK(pthread_join(start(join_self, NULL), &value) == 0);
    printf("join of itself: %s\n", error_name((int)(long)value));

    pthread_t detached = start(stay, NULL);
    await_ready(1); /* before it runs, the shim does not know which thread is joined */
    CHECK(pthread_detach(detached) == 0);
    printf("join of a detached one: %s\n", error_name(pthread_join(detached, NULL)));
    fail_all_ways(start(stay, NULL));
    await_ready(1);
    return 0;
}
