/* Kinds of mutexes, rwlocks and barriers, and attributes that are read back. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "harmless.h"

static pthread_mutex_t mutex;

static void *shared_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static const char *ended(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    return status_text(status);
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

static void *lock_and_end(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_mutex_lock(&mutex);
}

static void init_robust(int protocol, int type)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutexattr_settype(&attr, type);
    is("pthread_mutex_init", pthread_mutex_init(&mutex, &attr), 0);
}

TEST(mutex_robust_that_inherits)
{
    init_robust(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_NORMAL);
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
    init_robust(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_RECURSIVE);
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
    init_robust(PTHREAD_PRIO_NONE, PTHREAD_MUTEX_NORMAL);
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
    pthread_mutex_t *shared = shared_memory();
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(shared, &attr);
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(shared);
        kill(getpid(), SIGKILL);
    }
    text_is("child", ended(child), "signal 9");
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

/* ---- rwlocks ------------------------------------------------------------------------- */

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

static pthread_rwlock_t rwlock;
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

static void *try_read(void *unused)
{
    (void)unused;
    int error = pthread_rwlock_tryrdlock(&rwlock);
    if (!error)
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
    pthread_rwlock_t *shared = shared_memory();
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(shared, &attr);
    pthread_rwlock_wrlock(shared);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_rwlock_tryrdlock(shared) == EBUSY ? 4 : 5);
    text_is("child while it is held", ended(child), "exit 4");
    pthread_rwlock_unlock(shared);
    child = fork();
    if (child == 0)
        _exit(pthread_rwlock_rdlock(shared));
    text_is("child after it", ended(child), "exit 0");
}

/* ---- barriers, spin locks, conditions --------------------------------------------------- */

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
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 1);
    for (int i = 0; i < 3; i++)
        is("it waits for nobody", pthread_barrier_wait(&barrier), PTHREAD_BARRIER_SERIAL_THREAD);
}

TEST(barrier_of_two_processes)
{
    pthread_barrier_t *shared = shared_memory();
    pthread_barrierattr_t attr;
    pthread_barrierattr_init(&attr);
    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(shared, &attr, 2);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_barrier_wait(shared) ? 1 : 0);
    int value = pthread_barrier_wait(shared), serial = value == PTHREAD_BARRIER_SERIAL_THREAD;
    is("one of both is the serial thread", serial == !strcmp(ended(child), "exit 0"), 1);
}

TEST(spin_lock_of_two_processes)
{
    pthread_spinlock_t *shared = shared_memory();
    pthread_spin_init(shared, PTHREAD_PROCESS_SHARED);
    pthread_spin_lock(shared);
    pid_t child = fork();
    if (child == 0)
        _exit(pthread_spin_trylock(shared) == EBUSY ? 4 : 5);
    text_is("child", ended(child), "exit 4");
    is("unlock", pthread_spin_unlock(shared), 0);
    is("destroy", pthread_spin_destroy(shared), 0);
}

TEST(cond_attributes_are_read_back)
{
    pthread_condattr_t attr;
    int value = -1;
    clockid_t clock = -1;
    pthread_condattr_init(&attr);
    pthread_condattr_getpshared(&attr, &value);
    is("shared", value, PTHREAD_PROCESS_PRIVATE);
    pthread_condattr_getclock(&attr, &clock);
    is("clock", clock, CLOCK_REALTIME);
    is("set shared", pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    pthread_condattr_getpshared(&attr, &value);
    is("shared", value, PTHREAD_PROCESS_SHARED);
    is("shared 77", pthread_condattr_setpshared(&attr, 77), EINVAL);
}
