/* Joins of every kind, and detaches. */
#include "harmless.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER; /* by main, until the thread may end */
static _Atomic pid_t tid;

static void *until_allowed(void *value)
{
    tid = own_tid();
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return value;
}

static void *give(void *value)
{
    tid = own_tid();
    return value;
}

static pthread_t begin_held(void)
{
    pthread_mutex_lock(&held);
    return begin(until_allowed, (void *)42);
}

static pthread_t begin_and_await_end(void)
{
    pthread_t thread = begin(give, (void *)43);
    while (!tid)
        sleep_ms(1);
    await_ended(tid);
    return thread;
}

TEST(join_without_value)
{
    is("pthread_join", pthread_join(begin(give, NULL), NULL), 0);
}

TEST(join_of_finished)
{
    void *value = NULL;
    is("pthread_join", pthread_join(begin_and_await_end(), &value), 0);
    is("value", (long)value, 43);
}

TEST(join_tries)
{
    void *value = (void *)5;
    pthread_t thread = begin_held();
    is("of a running thread", pthread_tryjoin_np(thread, &value), EBUSY);
    is("the value is untouched", (long)value, 5);
    pthread_mutex_unlock(&held);
    int error;
    while ((error = pthread_tryjoin_np(thread, &value)) == EBUSY)
        sleep_ms(1);
    is("of a finished one", error, 0);
    is("value", (long)value, 42);
}

TEST(join_until_a_time)
{
    void *value = (void *)5;
    pthread_t thread = begin_held();
    struct timespec soon = after_ms(CLOCK_REALTIME, 5);
    is("pthread_timedjoin_np too early", pthread_timedjoin_np(thread, &value, &soon), ETIMEDOUT);
    struct timespec past = {1, 0};
    is("a time in the past", pthread_timedjoin_np(thread, &value, &past), ETIMEDOUT);
    is("the value is untouched", (long)value, 5);
    pthread_mutex_unlock(&held);
    struct timespec late = after_ms(CLOCK_REALTIME, 100000);
    is("later", pthread_timedjoin_np(thread, &value, &late), 0);
    is("value", (long)value, 42);
}

TEST(join_until_a_time_of_a_clock)
{
    void *value = NULL;
    pthread_t thread = begin_held();
    struct timespec soon = after_ms(CLOCK_MONOTONIC, 5);
    is("pthread_clockjoin_np too early", pthread_clockjoin_np(thread, &value, CLOCK_MONOTONIC, &soon),
       ETIMEDOUT);
    is("a clock of CPU time", pthread_clockjoin_np(thread, &value, CLOCK_THREAD_CPUTIME_ID, &soon), EINVAL);
    pthread_mutex_unlock(&held);
    struct timespec late = after_ms(CLOCK_MONOTONIC, 100000);
    is("later", pthread_clockjoin_np(thread, &value, CLOCK_MONOTONIC, &late), 0);
    is("value", (long)value, 42);
}

TEST(join_of_oneself)
{
    is("main", pthread_join(pthread_self(), NULL), EDEADLK);
}

static void *join_it(void *thread)
{
    return (void *)(long)pthread_join(*(pthread_t *)thread, NULL);
}

TEST(join_is_a_cancellation_point)
{
    static pthread_t thread;
    thread = begin_held();
    pthread_t waiter = begin(join_it, &thread);
    pthread_cancel(waiter);
    is("value of the waiter", (long)joined(waiter), (long)PTHREAD_CANCELED);
    pthread_mutex_unlock(&held);
    is("the thread is joinable still", (long)joined(thread), 42);
}

TEST(join_by_another_thread)
{
    static pthread_t thread;
    thread = begin(give, NULL);
    is("pthread_join", (long)run_thread(join_it, &thread), 0);
}

TEST(join_keeps_stacks_apart)
{
    pthread_t first = begin_and_await_end();
    pthread_t second = begin(give, (void *)1);
    is("a finished thread keeps its handle", !!pthread_equal(first, second), 0);
    joined(first);
    joined(second);
}

TEST(detach_of_running)
{
    pthread_t thread = begin_held();
    is("pthread_detach", pthread_detach(thread), 0);
    is("again", pthread_detach(thread), EINVAL);
    is("join", pthread_join(thread, NULL), EINVAL);
    is("tryjoin", pthread_tryjoin_np(thread, NULL), EBUSY);
    struct timespec past = {1, 0};
    is("timedjoin", pthread_timedjoin_np(thread, NULL, &past), EINVAL);
}

TEST(detach_of_finished)
{
    is("pthread_detach", pthread_detach(begin_and_await_end()), 0);
}

static void *detach_self(void *unused)
{
    (void)unused;
    tid = own_tid();
    static _Atomic int error;
    error = pthread_detach(pthread_self());
    is("of itself", error, 0);
    is("again", pthread_detach(pthread_self()), EINVAL);
    pthread_mutex_unlock(&held);
    return NULL;
}

TEST(detach_by_itself)
{
    pthread_mutex_lock(&held);
    begin(detach_self, NULL);
    pthread_mutex_lock(&held);
    await_ended(tid);
    is("then it is gone", count_tasks(), 1);
}

static void *detach_later(void *unused)
{
    (void)unused;
    sleep_ms(5);
    pthread_detach(pthread_self());
    return NULL;
}

TEST(detach_of_many)
{
    for (int i = 0; i < 50; i++)
        begin(detach_later, NULL);
    while (count_tasks() > 1)
        sleep_ms(1);
    is("all have ended", count_tasks(), 1);
}
