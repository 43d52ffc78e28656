/* Condition variables and semaphores. */
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <sys/wait.h>

#include "harmless.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int waiting, allowed;

static void *wait_until_allowed(void *unused)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    while (!allowed)
        pthread_cond_wait(&cond, &mutex);
    allowed--;
    waiting--;
    pthread_mutex_unlock(&mutex);
    return unused;
}

/* With the mutex. */
static void await_waiting(int count)
{
    pthread_mutex_lock(&mutex);
    while (waiting != count) {
        pthread_mutex_unlock(&mutex);
        sleep_ms(1);
        pthread_mutex_lock(&mutex);
    }
}

TEST(cond_signal_wakes_one)
{
    pthread_t threads[] = {begin(wait_until_allowed, NULL), begin(wait_until_allowed, NULL)};
    await_waiting(2);
    allowed = 1;
    is("pthread_cond_signal", pthread_cond_signal(&cond), 0);
    pthread_mutex_unlock(&mutex);
    await_waiting(1);
    is("one waits still", waiting, 1);
    allowed = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    joined(threads[0]);
    joined(threads[1]);
}

TEST(cond_broadcast_wakes_all)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        threads[i] = begin(wait_until_allowed, NULL);
    await_waiting(8);
    allowed = 8;
    is("pthread_cond_broadcast", pthread_cond_broadcast(&cond), 0);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 8; i++)
        joined(threads[i]);
    is("left", waiting, 0);
    is("pthread_cond_destroy", pthread_cond_destroy(&cond), 0);
    is("pthread_cond_init", pthread_cond_init(&cond, NULL), 0);
}

TEST(cond_without_waiters)
{
    errno = 77;
    is("pthread_cond_signal", pthread_cond_signal(&cond), 0);
    is("pthread_cond_broadcast", pthread_cond_broadcast(&cond), 0);
    is("errno", errno, 77);
}

static void *try_lock(void *unused)
{
    (void)unused;
    return (void *)(long)pthread_mutex_trylock(&mutex);
}

TEST(cond_until_a_time)
{
    pthread_mutex_lock(&mutex);
    struct timespec soon = after_ms(CLOCK_REALTIME, 2);
    is("pthread_cond_timedwait", pthread_cond_timedwait(&cond, &mutex, &soon), ETIMEDOUT);
    is("the mutex is held again", (long)run_thread(try_lock, NULL), EBUSY);
    soon = after_ms(CLOCK_MONOTONIC, 2);
    is("pthread_cond_clockwait", pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &soon), ETIMEDOUT);
    is("the mutex is held again", (long)run_thread(try_lock, NULL), EBUSY);
    struct timespec wrong = {time(NULL) + 1000, -1};
    is("an impossible time", pthread_cond_timedwait(&cond, &mutex, &wrong), EINVAL);
}

TEST(cond_with_a_clock)
{
    pthread_condattr_t attr;
    clockid_t clock = 0;
    pthread_condattr_init(&attr);
    is("of CPU time", pthread_condattr_setclock(&attr, CLOCK_PROCESS_CPUTIME_ID), EINVAL);
    is("monotonic", pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
    pthread_condattr_getclock(&attr, &clock);
    is("it is", clock, CLOCK_MONOTONIC);
    pthread_cond_t monotonic;
    pthread_cond_init(&monotonic, &attr);
    pthread_mutex_lock(&mutex);
    struct timespec soon = after_ms(CLOCK_MONOTONIC, 2);
    is("pthread_cond_timedwait", pthread_cond_timedwait(&monotonic, &mutex, &soon), ETIMEDOUT);
}

TEST(cond_of_a_mutex_that_is_not_held)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attr);
    is("pthread_cond_wait", pthread_cond_wait(&cond, &mutex), EPERM);
}

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    sem_t semaphore;
    int allowed;
};

static struct shared *share(void)
{
    struct shared *shared = shared_page();
    pthread_mutexattr_t mutex_attr;
    pthread_mutexattr_init(&mutex_attr);
    pthread_mutexattr_setpshared(&mutex_attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &mutex_attr);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->cond, &attr);
    sem_init(&shared->semaphore, 1, 0);
    return shared;
}

TEST(cond_of_two_processes)
{
    struct shared *shared = share();
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(&shared->mutex);
        while (!shared->allowed)
            pthread_cond_wait(&shared->cond, &shared->mutex);
        _exit(4);
    }
    pthread_mutex_lock(&shared->mutex);
    shared->allowed = 1;
    pthread_cond_signal(&shared->cond);
    pthread_mutex_unlock(&shared->mutex);
    text_is("child", status_of_pid(child), "exit 4");
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

/* ---- semaphores ------------------------------------------------------------------------------ */

TEST(sem_counts)
{
    sem_t semaphore;
    int value = -1;
    is("sem_init", sem_init(&semaphore, 0, 2), 0);
    is("sem_wait", sem_wait(&semaphore), 0);
    is("sem_trywait", sem_trywait(&semaphore), 0);
    is("sem_trywait of 0", sem_trywait(&semaphore), -1);
    is("errno", errno, EAGAIN);
    is("sem_post", sem_post(&semaphore), 0);
    sem_getvalue(&semaphore, &value);
    is("value", value, 1);
    is("sem_destroy", sem_destroy(&semaphore), 0);
}

TEST(sem_until_a_time)
{
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    struct timespec soon = after_ms(CLOCK_REALTIME, 2);
    is("sem_timedwait", sem_timedwait(&semaphore, &soon), -1);
    is("errno", errno, ETIMEDOUT);
    soon = after_ms(CLOCK_MONOTONIC, 2);
    is("sem_clockwait", sem_clockwait(&semaphore, CLOCK_MONOTONIC, &soon), -1);
    is("errno", errno, ETIMEDOUT);
    struct timespec wrong = {time(NULL) + 1000, 1000000000};
    is("an impossible time", sem_timedwait(&semaphore, &wrong), -1);
    is("errno", errno, EINVAL);
}

TEST(sem_rejects)
{
    sem_t semaphore;
    is("a value too high", sem_init(&semaphore, 0, SEM_VALUE_MAX + 1u), -1);
    is("errno", errno, EINVAL);
    sem_init(&semaphore, 0, SEM_VALUE_MAX);
    is("one post too many", sem_post(&semaphore), -1);
    is("errno", errno, EOVERFLOW);
}

static sem_t event;

static void post(int number)
{
    (void)number;
    sem_post(&event);
}

static void count(int number)
{
    (void)number;
    happened('h');
}

static _Atomic pid_t tid;

static void *wait_for_event(void *unused)
{
    (void)unused;
    tid = own_tid();
    return (void *)(long)(sem_wait(&event) == 0 ? 0 : errno);
}

/* A signal for a thread that waits. */
static long interrupted(int flags, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread = begin(wait_for_event, NULL);
    while (!tid)
        sleep_ms(1);
    await_asleep(tid);
    sleep_ms(5);
    pthread_kill(thread, SIGUSR1);
    if (flags & SA_RESTART) {
        while (!*happenings())
            sleep_ms(1);
        sem_post(&event);
    }
    return (long)joined(thread);
}

TEST(sem_posted_by_a_handler)
{
    long error = interrupted(0, post);
    is("sem_wait", error == 0 || error == EINTR, 1);
}

TEST(sem_restarted_after_a_handler)
{
    is("sem_wait", interrupted(SA_RESTART, count), 0);
    text_is("handler", happenings(), "h");
}

TEST(sem_of_two_processes)
{
    struct shared *shared = share();
    pid_t child = fork();
    if (child == 0)
        _exit(sem_post(&shared->semaphore) == 0 ? 4 : 5);
    is("sem_wait", sem_wait(&shared->semaphore), 0);
    text_is("child", status_of_pid(child), "exit 4");
}

TEST(sem_with_a_name)
{
    char name[32];
    snprintf(name, sizeof(name), "/harmless-%d", getpid());
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    is("sem_open", semaphore != SEM_FAILED, 1);
    is("again is the same", sem_open(name, 0) == semaphore, 1);
    is("sem_unlink", sem_unlink(name), 0);
    is("sem_wait", sem_wait(semaphore), 0);
    is("sem_open of one that does not exist", sem_open(name, 0) == SEM_FAILED ? errno : 0, ENOENT);
}
