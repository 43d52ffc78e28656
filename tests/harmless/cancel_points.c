/* Functions that block: a cancellation ends each, one that was there before as well. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <threads.h>

#include "harmless.h"

static const struct timespec HOUR = {3600, 0};
static int ends[2], pair[2], listener, queue, epoll;
static sem_t never;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static mtx_t c11_mutex;
static cnd_t c11_cond;
static char byte, fifo[64];
static pthread_t sleeper;
static pid_t child;

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void set_up(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (pipe(ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        _exit(9);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    /* The kernel chooses a name. */
    if (bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) || listen(listener, 1))
        _exit(9);
    queue = msgget(IPC_PRIVATE, 0600);
    epoll = epoll_create1(0);
    sem_init(&never, 0, 0);
    mtx_init(&c11_mutex, mtx_plain);
    cnd_init(&c11_cond);
    snprintf(fifo, sizeof(fifo), "/tmp/harmless-fifo-%d", getpid());
    mkfifo(fifo, 0600);
    sleeper = begin(sleep_for_ever, NULL);
    child = fork();
    if (child == 0)
        sleep_for_ever(NULL);
}

static void tear_down(void)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    msgctl(queue, IPC_RMID, NULL);
    unlink(fifo);
}

static sigset_t usr1(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return set;
}

static struct timespec later(clockid_t clock)
{
    return after_ms(clock, 3600000);
}

/* One function that blocks for each point. */
#define POINT(name, ...)                    \
    static void *point_##name(void *unused) \
    {                                       \
        __VA_ARGS__;                        \
        return unused;                      \
    }
#include "cancel_points.def"
#undef POINT

static const struct point {
    const char *name;
    void *(*call)(void *);
} points[] = {
#define POINT(name, ...) {#name, point_##name},
#include "cancel_points.def"
};

static _Atomic pid_t tid;

static void unlock(void *is_pending)
{
    /* A wait for a condition has the mutex again. */
    (void)is_pending;
    pthread_mutex_unlock(&mutex);
    mtx_unlock(&c11_mutex);
}

static void *blocks(void *point)
{
    pthread_mutex_lock(&mutex);
    mtx_lock(&c11_mutex);
    pthread_cleanup_push(unlock, NULL);
    tid = own_tid();
    ((const struct point *)point)->call(NULL);
    pthread_cleanup_pop(1);
    return NULL;
}

static void *is_pending(void *point)
{
    pthread_cancel(pthread_self());
    return blocks(point);
}

TEST(cancel_points)
{
    set_up();
    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
        tid = 0;
        pthread_t thread = begin(blocks, (void *)&points[i]);
        while (!tid)
            sleep_ms(1);
        await_asleep(tid);
        pthread_cancel(thread);
        long ends_blocked = joined(thread) == PTHREAD_CANCELED;
        long ends_pending = run_thread(is_pending, (void *)&points[i]) == PTHREAD_CANCELED;
        is(points[i].name, ends_blocked * 10 + ends_pending, 11);
    }
    is("the mutex is free", pthread_mutex_trylock(&mutex), 0);
    tear_down();
    pthread_cancel(sleeper);
    joined(sleeper);
}

TEST(cancel_point_system)
{
    tid = 0;
    static const struct point point = {"system", point_system_shell};
    pthread_t thread = begin(blocks, (void *)&point);
    while (!tid)
        sleep_ms(1);
    await_asleep(tid);
    pthread_cancel(thread);
    is("system", (long)joined(thread), -1);
    is("its shell was killed, and waited for", waitpid(-1, NULL, 0) == -1 ? errno : 0, ECHILD);
}
