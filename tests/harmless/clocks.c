/* Clocks and use of resources of threads. */
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>

#include "harmless.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static long long ns_of(clockid_t clock)
{
    struct timespec now = {0, 0};
    return clock_gettime(clock, &now) ? -errno : now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void burn_ms(long ms)
{
    long long end = ns_of(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000ll;
    while (ns_of(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

static void *stay(void *unused)
{
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return unused;
}

static void *burn(void *ms)
{
    burn_ms((long)ms);
    return NULL;
}

static void *own_clock(void *unused)
{
    (void)unused;
    clockid_t clock;
    burn_ms(5);
    is("pthread_getcpuclockid", pthread_getcpuclockid(pthread_self(), &clock), 0);
    long long by_id = ns_of(clock), after = ns_of(CLOCK_THREAD_CPUTIME_ID);
    return (void *)(long)(by_id >= 5000000 && by_id <= after);
}

TEST(clock_of_a_thread)
{
    is("its own", (long)run_thread(own_clock, NULL), 1);
    pthread_mutex_lock(&held);
    pthread_t thread = begin(stay, NULL);
    clockid_t clock;
    is("of another one", pthread_getcpuclockid(thread, &clock), 0);
    is("it has not computed for long", ns_of(clock) >= 0 && ns_of(clock) < 60000000000ll, 1);
    pthread_mutex_unlock(&held);
    joined(thread);
}

TEST(clock_of_the_process)
{
    clockid_t clock;
    long long before = ns_of(CLOCK_PROCESS_CPUTIME_ID);
    run_thread(burn, (void *)5);
    is("it has the time of ended threads", ns_of(CLOCK_PROCESS_CPUTIME_ID) - before >= 5000000, 1);
    is("clock_getcpuclockid", clock_getcpuclockid(getpid(), &clock), 0);
    is("is the same", ns_of(clock) >= before, 1);
    is("of a process that is none", clock_getcpuclockid(0x7ffffff0, &clock), ESRCH);
}

TEST(clock_does_not_go_back)
{
    long backward = 0;
    long long last = ns_of(CLOCK_MONOTONIC);
    for (int i = 0; i < 50; i++) {
        run_thread(burn, NULL);
        long long now = ns_of(CLOCK_MONOTONIC);
        backward += now < last;
        last = now;
    }
    is("times that it did", backward, 0);
}

static void *use_of_thread(void *unused)
{
    (void)unused;
    struct rusage usage;
    burn_ms(20);
    is("getrusage of a thread", getrusage(RUSAGE_THREAD, &usage), 0);
    return (void *)(long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec < 60);
}

TEST(clock_use_of_a_thread)
{
    is("below a minute", (long)run_thread(use_of_thread, NULL), 1);
    struct rusage usage;
    is("of main", getrusage(RUSAGE_THREAD, &usage), 0);
    is("of who", getrusage(77, &usage) == -1 ? errno : 0, EINVAL);
}

static void burns_in_child(void)
{
    burn_ms(40);
}

TEST(clock_use_of_children)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    is("none at first", usage.ru_utime.tv_sec * 1000000l + usage.ru_utime.tv_usec + usage.ru_maxrss, 0);
    run_thread(burn, NULL);
    getrusage(RUSAGE_CHILDREN, &usage);
    is("nor after a thread", usage.ru_utime.tv_sec * 1000000l + usage.ru_utime.tv_usec + usage.ru_maxrss, 0);
    text_is("child", status_of(burns_in_child), "exit 0");
    getrusage(RUSAGE_CHILDREN, &usage);
    is("after a child", usage.ru_maxrss > 0, 1);
}

TEST(clock_sleeps)
{
    struct timespec ms = {0, 1000000}, past = {1, 0}, wrong = {0, 1000000000};
    run_thread(burn, NULL);
    is("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL), 0);
    is("until the past", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL), 0);
    is("a wrong time", clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, NULL), EINVAL);
    is("of the thread's CPU time", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ms, NULL), EINVAL);
    is("a clock that is none", clock_nanosleep(77, 0, &ms, NULL), EINVAL);
}

static void *sleep_ten(void *unused)
{
    sleep_ms(10);
    return unused;
}

TEST(clock_time_of_sleeping_threads)
{
    long long before = ns_of(CLOCK_MONOTONIC);
    pthread_t threads[10];
    for (int i = 0; i < 10; i++)
        threads[i] = begin(sleep_ten, NULL);
    for (int i = 0; i < 10; i++)
        joined(threads[i]);
    is("at least ten milliseconds", ns_of(CLOCK_MONOTONIC) - before >= 10000000, 1);
}
