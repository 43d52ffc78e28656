/* Joins that wait: for one another, until a time of each clock, and while signals and cancellations arrive.
 */
#include "harmless.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER; /* by main, until the threads may end */
static _Atomic pid_t tid;

static void *until_allowed(void *value)
{
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return value;
}

static pthread_t begin_held(void)
{
    pthread_mutex_lock(&held);
    return begin(until_allowed, (void *)42);
}

static void *join_arg(void *thread)
{
    tid = own_tid();
    void *value = NULL;
    int error = pthread_join(*(pthread_t *)thread, &value);
    return error ? (void *)(long)-error : value;
}

TEST(joiner_cancelled_joins_nothing)
{
    static pthread_t thread;
    thread = begin_held();
    for (int i = 0; i < 3; i++) {
        tid = 0;
        pthread_t joiner = begin(join_arg, &thread);
        while (!tid)
            sleep_ms(1);
        await_asleep(tid);
        pthread_cancel(joiner);
        is("joiner", (long)joined(joiner), (long)PTHREAD_CANCELED);
        is("tryjoin", pthread_tryjoin_np(thread, NULL), EBUSY);
    }
    pthread_mutex_unlock(&held);
    is("the thread", (long)joined(thread), 42);
}

static void *join_timed(void *thread)
{
    tid = own_tid();
    struct timespec hour = after_ms(CLOCK_MONOTONIC, 3600000);
    return (void *)(long)pthread_clockjoin_np(*(pthread_t *)thread, NULL, CLOCK_MONOTONIC, &hour);
}

TEST(joiner_with_a_time_is_cancelled)
{
    static pthread_t thread;
    thread = begin_held();
    pthread_t joiner = begin(join_timed, &thread);
    while (!tid)
        sleep_ms(1);
    await_asleep(tid);
    pthread_cancel(joiner);
    is("joiner", (long)joined(joiner), (long)PTHREAD_CANCELED);
    pthread_mutex_unlock(&held);
    is("the thread", (long)joined(thread), 42);
}

static void note(int number)
{
    (void)number;
    happened('h');
}

TEST(joiner_is_not_interrupted)
{
    static pthread_t thread;
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    thread = begin_held();
    pthread_t joiner = begin(join_arg, &thread);
    while (!tid)
        sleep_ms(1);
    await_asleep(tid);
    pthread_kill(joiner, SIGUSR1);
    while (!*happenings())
        sleep_ms(1);
    is("it joins still", pthread_tryjoin_np(joiner, NULL), EBUSY);
    pthread_mutex_unlock(&held);
    is("value", (long)joined(joiner), 42);
}

TEST(joiner_until_a_time_of_each_clock)
{
    pthread_t thread = begin_held();
    struct timespec past = {0, 0};
    is("REALTIME in the past", pthread_clockjoin_np(thread, NULL, CLOCK_REALTIME, &past), ETIMEDOUT);
    is("MONOTONIC in the past", pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &past), ETIMEDOUT);
    is("BOOTTIME", pthread_clockjoin_np(thread, NULL, CLOCK_BOOTTIME, &past), EINVAL);
    is("a clock that is none", pthread_clockjoin_np(thread, NULL, 77, &past), EINVAL);
    pthread_mutex_unlock(&held);
    is("the thread", (long)joined(thread), 42);
}

TEST(joiner_without_a_time)
{
    pthread_t thread = begin_held();
    pthread_mutex_unlock(&held);
    void *value = NULL;
    is("timedjoin without a time waits", pthread_timedjoin_np(thread, &value, NULL), 0);
    is("value", (long)value, 42);
}

TEST(joiner_of_a_detached_one)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&held);
    pthread_t thread;
    is("creation", pthread_create(&thread, &attr, until_allowed, NULL), 0);
    struct timespec past = {1, 0};
    is("clockjoin", pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &past), EINVAL);
    is("pthread_kill works", pthread_kill(thread, 0), 0);
    is("pthread_setname_np works", pthread_setname_np(thread, "detached"), 0);
}

static void *join_in_destructor_value;
static pthread_key_t key;

static void join_in_destructor(void *thread)
{
    join_in_destructor_value = joined(*(pthread_t *)thread);
}

static void *set_key(void *thread)
{
    pthread_setspecific(key, thread);
    return NULL;
}

TEST(joiner_in_a_destructor)
{
    static pthread_t thread;
    pthread_key_create(&key, join_in_destructor);
    thread = begin_held();
    pthread_mutex_unlock(&held);
    run_thread(set_key, &thread);
    is("value", (long)join_in_destructor_value, 42);
}

static void *join_chain(void *left)
{
    if ((long)left == 0)
        return (void *)7;
    return run_thread(join_chain, (void *)((long)left - 1));
}

TEST(joiner_chain)
{
    is("of 50 threads, each joined by its creator", (long)run_thread(join_chain, (void *)50), 7);
}
