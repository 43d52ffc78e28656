/* Each of the joining functions joins; one thread joins for another, and one joins main's handle. */
#include "target.h"

static struct timespec in_an_hour(clockid_t clock)
{
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0);
    time.tv_sec += 3600;
    return time;
}

static int thrd_finish(void *arg)
{
    (void)arg;
    return 0;
}

static void *join_it(void *thread)
{
    CHECK(pthread_join((pthread_t)thread, NULL) == 0);
    return NULL;
}

static void *join_main_in_vain(void *thread)
{
    return (void *)(long)pthread_tryjoin_np((pthread_t)thread, NULL);
}

int main(void)
{
    void *value;
    thrd_t c11_thread;
    struct timespec real = in_an_hour(CLOCK_REALTIME), monotonic = in_an_hour(CLOCK_MONOTONIC);

    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    CHECK(pthread_timedjoin_np(start(nothing, NULL), NULL, &real) == 0);
    CHECK(pthread_clockjoin_np(start(nothing, NULL), NULL, CLOCK_MONOTONIC, &monotonic) == 0);
    CHECK(pthread_tryjoin_np(start_and_see_finish(), NULL) == 0);
    CHECK(thrd_create(&c11_thread, thrd_finish, NULL) == thrd_success);
    CHECK(thrd_join(c11_thread, NULL) == thrd_success);
    CHECK(pthread_join(start(join_it, (void *)start(nothing, NULL)), NULL) == 0);
    CHECK(pthread_join(start(join_main_in_vain, (void *)pthread_self()), &value) == 0);
    CHECK(value == (void *)EBUSY);
    puts("done");
    return 0;
}
