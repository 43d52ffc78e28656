/*
 * Threads that wait for one thing each, and a pool of which all wait for the same;
 * the process ends when each of them is blocked.  "stay": not before standard input
 * ends, for readers from outside.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "asleep.h"
#include "target.h"

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jobs_ready = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t all_there;
static sem_t slots_free;
static pthread_t holder;
static int ends[2], events;

static NOINLINE void wait_for_job(void)
{
    pthread_mutex_lock(&jobs_lock);
    for (;;)
        pthread_cond_wait(&jobs_ready, &jobs_lock);
}

static void *work(void *arg)
{
    wait_for_job();
    return arg;
}

static void *hold(void *arg)
{
    pthread_setname_np(pthread_self(), "holder");
    pthread_mutex_lock(&queue_lock);
    pthread_rwlock_wrlock(&table_lock);
    sem_post(&ready);
    for (;;)
        pause();
    return arg;
}

static void *want_lock(void *arg)
{
    pthread_mutex_lock(&queue_lock);
    return arg;
}

static void *want_table(void *arg)
{
    pthread_rwlock_rdlock(&table_lock);
    return arg;
}

static void *want_slot(void *arg)
{
    while (sem_wait(&slots_free) != 0)
        CHECK(errno == EINTR);
    return arg;
}

static void *meet(void *arg)
{
    pthread_barrier_wait(&all_there);
    return arg;
}

static void *join_holder(void *arg)
{
    pthread_join(holder, NULL);
    return arg;
}

static void *read_end(void *arg)
{
    char byte;
    while (read(ends[0], &byte, 1) != 1)
        CHECK(errno == EINTR);
    return arg;
}

static void *poll_ends(void *arg)
{
    struct pollfd wanted = {ends[0], POLLIN, 0};
    while (poll(&wanted, 1, -1) < 0)
        CHECK(errno == EINTR);
    return arg;
}

static void *wait_for_events(void *arg)
{
    struct epoll_event event;
    while (epoll_wait(events, &event, 1, -1) < 0)
        CHECK(errno == EINTR);
    return arg;
}

static void *wait_for_signal(void *arg)
{
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigwait(&set, &number);
    return arg;
}

int main(int argc, char **argv)
{
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(pipe(ends) == 0);
    events = epoll_create1(0);
    CHECK(epoll_ctl(events, EPOLL_CTL_ADD, ends[0], &event) == 0);
    pthread_barrier_init(&all_there, NULL, 2);
    sem_init(&slots_free, 0, 0);
    holder = start(hold, NULL);
    await_ready(1);
    for (int i = 0; i < 3; i++)
        start(work, NULL);
    start(want_lock, NULL);
    start(want_table, NULL);
    start(want_slot, NULL);
    start(meet, NULL);
    start(join_holder, NULL);
    start(read_end, NULL);
    start(poll_ends, NULL);
    start(wait_for_events, NULL);
    pthread_detach(start(wait_for_signal, NULL));
    await_asleep();
    if (argc > 1 && strcmp(argv[1], "stay") == 0) {
        puts("up");
        fflush(stdout);
        while (getchar() != EOF)
            ;
    }
    return 0;
}
