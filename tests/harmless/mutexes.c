/* Mutexes, rwlocks, spin locks and barriers. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "harmless.h"

static pthread_mutex_t mutex;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

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

TEST(mutex_of_two_processes)
{
    pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(shared, &attr);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_mutex_lock(shared));
    int status = -1;
    waitpid(child, &status, 0);
    text_is("child", status_text(status), "exit 0");
    is("lock after its owner's end", pthread_mutex_lock(shared), EOWNERDEAD);
}

/* ---- the others ------------------------------------------------------------------------ */

static void *try_read(void *unused)
{
    (void)unused;
    int error = pthread_rwlock_tryrdlock(&rwlock);
    if (!error)
        pthread_rwlock_unlock(&rwlock);
    return (void *)(long)error;
}

static void *try_write(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_rwlock_trywrlock(&rwlock);
}

TEST(rwlock_for_reading)
{
    is("rdlock", pthread_rwlock_rdlock(&rwlock), 0);
    is("again", pthread_rwlock_rdlock(&rwlock), 0);
    is("tryrdlock by another thread", (long)run_thread(try_read, NULL), 0);
    is("trywrlock by another thread", (long)run_thread(try_write, NULL), EBUSY);
    struct timespec soon = after_ms(CLOCK_REALTIME, 2);
    is("timedwrlock", pthread_rwlock_timedwrlock(&rwlock, &soon), ETIMEDOUT);
    is("unlock", pthread_rwlock_unlock(&rwlock), 0);
    is("unlock", pthread_rwlock_unlock(&rwlock), 0);
    is("trywrlock", (long)try_write(NULL), 0);
}

TEST(rwlock_for_writing)
{
    is("wrlock", pthread_rwlock_wrlock(&rwlock), 0);
    is("again", pthread_rwlock_wrlock(&rwlock), EDEADLK);
    is("rdlock", pthread_rwlock_rdlock(&rwlock), EDEADLK);
    is("tryrdlock by another thread", (long)run_thread(try_read, NULL), EBUSY);
    struct timespec soon = after_ms(CLOCK_MONOTONIC, 2);
    is("clockrdlock", pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &soon), EDEADLK);
    is("unlock", pthread_rwlock_unlock(&rwlock), 0);
}

static pthread_spinlock_t spinlock;

static void *try_spin(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_spin_trylock(&spinlock);
}

TEST(spin_lock)
{
    is("init", pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE), 0);
    is("lock", pthread_spin_lock(&spinlock), 0);
    is("trylock by another thread", (long)run_thread(try_spin, NULL), EBUSY);
    is("unlock", pthread_spin_unlock(&spinlock), 0);
    is("trylock by another thread", (long)run_thread(try_spin, NULL), 0);
}

static pthread_barrier_t barrier;

static void *meet(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_barrier_wait(&barrier);
}

TEST(barrier_of_four)
{
    is("of none", pthread_barrier_init(&barrier, NULL, 0), EINVAL);
    is("of four", pthread_barrier_init(&barrier, NULL, 4), 0);
    for (int round = 0; round < 3; round++) {
        pthread_t threads[3];
        for (int i = 0; i < 3; i++)
            threads[i] = begin(meet, NULL);
        long sum = (long)meet(NULL);
        for (int i = 0; i < 3; i++)
            sum += (long)joined(threads[i]);
        is("one of them gets the special value", sum, PTHREAD_BARRIER_SERIAL_THREAD);
    }
    is("destroy", pthread_barrier_destroy(&barrier), 0);
}
