/* Mutexes: their kinds, attributes and errors. */
#include <sched.h>

#include "harmless.h"

static pthread_mutex_t mutex;

static void init_mutex(int type, int robust, int protocol)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setrobust(&attr, robust);
    pthread_mutexattr_setprotocol(&attr, protocol);
    is("pthread_mutex_init", pthread_mutex_init(&mutex, &attr), 0);
}

static void *try_lock(void *unused)
{
    (void)unused;
    int error = pthread_mutex_trylock(&mutex);
    if (!error)
        pthread_mutex_unlock(&mutex);
    return (void *)(long)error;
}

static void *unlock(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_mutex_unlock(&mutex);
}

TEST(mutex_normal)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    is("lock", pthread_mutex_lock(&mutex), 0);
    is("trylock by its owner", pthread_mutex_trylock(&mutex), EBUSY);
    is("by another thread", (long)run_thread(try_lock, NULL), EBUSY);
    struct timespec soon = after_ms(CLOCK_REALTIME, 2);
    is("timedlock", pthread_mutex_timedlock(&mutex, &soon), ETIMEDOUT);
    soon = after_ms(CLOCK_MONOTONIC, 2);
    is("clocklock", pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &soon), ETIMEDOUT);
    is("destroy while it is held", pthread_mutex_destroy(&mutex), EBUSY);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("by another thread", (long)run_thread(try_lock, NULL), 0);
    is("destroy", pthread_mutex_destroy(&mutex), 0);
}

TEST(mutex_recursive)
{
    init_mutex(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    is("lock", pthread_mutex_lock(&mutex), 0);
    is("again", pthread_mutex_lock(&mutex), 0);
    is("unlock by another thread", (long)run_thread(unlock, NULL), EPERM);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("it is held still", (long)run_thread(try_lock, NULL), EBUSY);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("once more", pthread_mutex_unlock(&mutex), EPERM);
}

TEST(mutex_errorcheck)
{
    init_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    is("lock", pthread_mutex_lock(&mutex), 0);
    is("again", pthread_mutex_lock(&mutex), EDEADLK);
    is("unlock by another thread", (long)run_thread(unlock, NULL), EPERM);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("again", pthread_mutex_unlock(&mutex), EPERM);
}

static void *lock_and_end(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_mutex_lock(&mutex);
}

TEST(mutex_robust)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    is("its owner ends", (long)run_thread(lock_and_end, NULL), 0);
    is("lock", pthread_mutex_lock(&mutex), EOWNERDEAD);
    is("pthread_mutex_consistent", pthread_mutex_consistent(&mutex), 0);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("its owner ends", (long)run_thread(lock_and_end, NULL), 0);
    is("trylock", pthread_mutex_trylock(&mutex), EOWNERDEAD);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("lock", pthread_mutex_lock(&mutex), ENOTRECOVERABLE);
}

TEST(mutex_inherits_priority)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
    is("lock", pthread_mutex_lock(&mutex), 0);
    is("by another thread", (long)run_thread(try_lock, NULL), EBUSY);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
}

TEST(mutex_rejects)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    is("type 77", pthread_mutexattr_settype(&attr, 77), EINVAL);
    is("protocol 77", pthread_mutexattr_setprotocol(&attr, 77), EINVAL);
    is("robust 77", pthread_mutexattr_setrobust(&attr, 77), EINVAL);
    is("shared 77", pthread_mutexattr_setpshared(&attr, 77), EINVAL);
}

/* For two processes; robust. */
static pthread_mutex_t *shared_mutex(void)
{
    pthread_mutex_t *shared = shared_page();
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(shared, &attr);
    return shared;
}

TEST(mutex_of_two_processes)
{
    pthread_mutex_t *shared = shared_mutex();
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_mutex_lock(shared));
    text_is("child", status_of_pid(child), "exit 0");
    is("lock after its owner's end", pthread_mutex_lock(shared), EOWNERDEAD);
}

TEST(mutex_attributes_are_read_back)
{
    pthread_mutexattr_t attr;
    int value = -1;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_gettype(&attr, &value);
    is("type", value, PTHREAD_MUTEX_DEFAULT);
    pthread_mutexattr_getrobust(&attr, &value);
    is("robust", value, PTHREAD_MUTEX_STALLED);
    pthread_mutexattr_getprotocol(&attr, &value);
    is("protocol", value, PTHREAD_PRIO_NONE);
    pthread_mutexattr_getpshared(&attr, &value);
    is("shared", value, PTHREAD_PROCESS_PRIVATE);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_gettype(&attr, &value);
    is("type", value, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutexattr_getrobust(&attr, &value);
    is("robust", value, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_getprotocol(&attr, &value);
    is("protocol", value, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_getpshared(&attr, &value);
    is("shared", value, PTHREAD_PROCESS_SHARED);
    is("destroy", pthread_mutexattr_destroy(&attr), 0);
}

static int init_protected(int ceiling)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    is("protocol", pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_PROTECT), 0);
    int error = pthread_mutexattr_setprioceiling(&attr, ceiling);
    return error ? error : pthread_mutex_init(&mutex, &attr);
}

/* Who has no real-time priority gets one of two errors. */
TEST(mutex_protects_priority)
{
    int ceiling = 0, lowest = sched_get_priority_min(SCHED_FIFO);
    is("a ceiling of 1000", init_protected(1000), EINVAL);
    is("the lowest ceiling", init_protected(lowest), 0);
    is("pthread_mutex_getprioceiling", pthread_mutex_getprioceiling(&mutex, &ceiling), 0);
    is("ceiling", ceiling, lowest);
    int error = pthread_mutex_lock(&mutex);
    is("lock", error == 0 || error == EPERM || error == EINVAL, 1);
    if (!error)
        is("unlock", pthread_mutex_unlock(&mutex), 0);
    pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
    is("ceiling of another kind", pthread_mutex_getprioceiling(&plain, &ceiling), EINVAL);
}

TEST(mutex_robust_that_inherits)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT);
    is("its owner ends", (long)run_thread(lock_and_end, NULL), 0);
    is("lock", pthread_mutex_lock(&mutex), EOWNERDEAD);
    is("consistent", pthread_mutex_consistent(&mutex), 0);
    is("again", pthread_mutex_consistent(&mutex), EINVAL);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("lock", pthread_mutex_lock(&mutex), 0);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
}

TEST(mutex_robust_that_recurs)
{
    init_mutex(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    is("its owner ends", (long)run_thread(lock_and_end, NULL), 0);
    is("lock", pthread_mutex_lock(&mutex), EOWNERDEAD);
    is("lock again", pthread_mutex_lock(&mutex), 0);
    is("consistent", pthread_mutex_consistent(&mutex), 0);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("once more", pthread_mutex_unlock(&mutex), EPERM);
}

static void *lock_and_wait(void *unused)
{
    pthread_mutex_lock(&mutex);
    happened('l');
    for (;;)
        pause();
    return unused;
}

TEST(mutex_robust_whose_owner_is_cancelled)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    pthread_t thread = begin(lock_and_wait, NULL);
    while (!*happenings())
        sleep_ms(1);
    is("trylock", pthread_mutex_trylock(&mutex), EBUSY);
    pthread_cancel(thread);
    is("value", (long)joined(thread), (long)PTHREAD_CANCELED);
    is("trylock", pthread_mutex_trylock(&mutex), EOWNERDEAD);
}

TEST(mutex_robust_of_a_killed_process)
{
    pthread_mutex_t *shared = shared_mutex();
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(shared);
        kill(getpid(), SIGKILL);
    }
    text_is("child", status_of_pid(child), "signal 9");
    is("lock", pthread_mutex_lock(shared), EOWNERDEAD);
}

TEST(mutex_of_another_time)
{
    pthread_mutex_init(&mutex, NULL);
    pthread_mutex_lock(&mutex);
    struct timespec wrong = {time(NULL) + 1000, -1};
    is("a wrong time", pthread_mutex_timedlock(&mutex, &wrong), EINVAL);
    struct timespec past = {1, 0};
    is("one in the past", pthread_mutex_timedlock(&mutex, &past), ETIMEDOUT);
    is("a clock of CPU time", pthread_mutex_clocklock(&mutex, CLOCK_THREAD_CPUTIME_ID, &past), EINVAL);
    is("unlock", pthread_mutex_unlock(&mutex), 0);
    is("free: the time is not read", pthread_mutex_timedlock(&mutex, &wrong), 0);
}
