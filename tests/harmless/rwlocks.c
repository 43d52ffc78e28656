/* Read-write locks, spin locks and barriers. */
#include "harmless.h"

/* ---- read-write locks ------------------------------------------------------------------ */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

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

TEST(rwlock_attributes_are_read_back)
{
    pthread_rwlockattr_t attr;
    int value = -1;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_getkind_np(&attr, &value);
    is("kind", value, PTHREAD_RWLOCK_DEFAULT_NP);
    is("set kind", pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), 0);
    pthread_rwlockattr_getkind_np(&attr, &value);
    is("kind", value, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    is("kind 77", pthread_rwlockattr_setkind_np(&attr, 77), EINVAL);
    is("set shared", pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    pthread_rwlockattr_getpshared(&attr, &value);
    is("shared", value, PTHREAD_PROCESS_SHARED);
    is("shared 77", pthread_rwlockattr_setpshared(&attr, 77), EINVAL);
}

static _Atomic pid_t writer_tid;

static void *write_later(void *unused)
{
    (void)unused;
    writer_tid = own_tid();
    int error = pthread_rwlock_wrlock(&rwlock);
    happened('w');
    pthread_rwlock_unlock(&rwlock);
    return (void *)(long)error;
}

TEST(rwlock_prefers_writers)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&rwlock, &attr);
    is("rdlock", pthread_rwlock_rdlock(&rwlock), 0);
    pthread_t writer = begin(write_later, NULL);
    long error = 0;
    while ((error = (long)run_thread(try_read, NULL)) == 0)
        sleep_ms(1);
    is("a reader does not pass the writer that waits", error, EBUSY);
    is("unlock", pthread_rwlock_unlock(&rwlock), 0);
    is("writer", (long)joined(writer), 0);
    is("tryrdlock", (long)run_thread(try_read, NULL), 0);
    is("destroy", pthread_rwlock_destroy(&rwlock), 0);
}

TEST(rwlock_of_two_processes)
{
    pthread_rwlock_t *shared = shared_page();
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(shared, &attr);
    pthread_rwlock_wrlock(shared);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_rwlock_tryrdlock(shared) == EBUSY ? 4 : 5);
    text_is("child while it is held", status_of_pid(child), "exit 4");
    pthread_rwlock_unlock(shared);
    child = fork();
    if (child == 0)
        _exit(pthread_rwlock_rdlock(shared));
    text_is("child after it", status_of_pid(child), "exit 0");
}

/* ---- spin locks ------------------------------------------------------------------------ */

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

TEST(spin_lock_of_two_processes)
{
    pthread_spinlock_t *shared = shared_page();
    pthread_spin_init(shared, PTHREAD_PROCESS_SHARED);
    pthread_spin_lock(shared);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_spin_trylock(shared) == EBUSY ? 4 : 5);
    text_is("child", status_of_pid(child), "exit 4");
    is("unlock", pthread_spin_unlock(shared), 0);
    is("destroy", pthread_spin_destroy(shared), 0);
}

/* ---- barriers -------------------------------------------------------------------------- */

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

TEST(barrier_attributes_are_read_back)
{
    pthread_barrierattr_t attr;
    int value = -1;
    pthread_barrierattr_init(&attr);
    pthread_barrierattr_getpshared(&attr, &value);
    is("shared", value, PTHREAD_PROCESS_PRIVATE);
    is("set shared", pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    pthread_barrierattr_getpshared(&attr, &value);
    is("shared", value, PTHREAD_PROCESS_SHARED);
    is("shared 77", pthread_barrierattr_setpshared(&attr, 77), EINVAL);
}

TEST(barrier_of_one)
{
    is("of one", pthread_barrier_init(&barrier, NULL, 1), 0);
    for (int i = 0; i < 3; i++)
        is("it waits for nobody", pthread_barrier_wait(&barrier), PTHREAD_BARRIER_SERIAL_THREAD);
}

TEST(barrier_of_two_processes)
{
    pthread_barrier_t *shared = shared_page();
    pthread_barrierattr_t attr;
    pthread_barrierattr_init(&attr);
    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(shared, &attr, 2);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_barrier_wait(shared) ? 1 : 0);
    int value = pthread_barrier_wait(shared), serial = value == PTHREAD_BARRIER_SERIAL_THREAD;
    is("one of both is the serial thread", serial == !strcmp(status_of_pid(child), "exit 0"), 1);
}
