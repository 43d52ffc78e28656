/* Threads that wait for each other in a circle, and near misses: `circles HOW`. Prints "up" when all of them
 * are there; ends with its input.
 *
 *   ring N         N threads, each with a lock that the one before it wants; another one wants the first lock
 *   join           a thread wants a lock that the main thread holds while it joins the thread
 *   join_loop      the same with three threads, which the main thread joins one after the other
 *   self           a thread locks its lock again
 *   dead           a thread ended with a lock that another one wants
 *   dead_unjoined  the same, and nobody joined it
 *   dead_stream    a thread ended with the lock of a stream that another one wants
 *   dead_main      the main thread ended with a lock that another one wants
 *   fork           a forked child wants a lock that another thread of its parent holds
 *   fork_gone      a thread of the parent ended with it before the fork
 *   fork_reset     the child makes the lock anew, and holds it; its other thread wants it
 *   fork_held      the thread that forks holds the lock, in the child as well; its other thread wants it
 *   fork_held_by   the same, and a thread other than the main one forks
 *   end            the main thread calls exit() with a lock that another one wants
 *   timed          a ring of two in which one of the locks is only tried for an hour
 *   chain          a thread wants a lock whose owner waits for a lock whose owner reads the input
 *   recursive      a thread locks a recursive lock again and goes on; another one wants it
 *   robust         a thread ended with a robust lock, which the next one gets */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "target.h"

#define MAX_RING 64

static pthread_mutex_t locks[MAX_RING + 1] = {[0 ... MAX_RING] = PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t all_hold;
static long members;

#define lock(mutex) CHECK(pthread_mutex_lock(mutex) == 0)

static void *ring_member(void *number)
{
    long own = (long)number;
    lock(&locks[own]);
    pthread_barrier_wait(&all_hold);
    sem_post(&ready);
    lock(&locks[(own + 1) % members]);
    return NULL;
}

static void *timed_member(void *number)
{
    struct timespec end;
    long own = (long)number;
    lock(&locks[own]);
    pthread_barrier_wait(&all_hold);
    sem_post(&ready);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 3600;
    return own ? ring_member(NULL) : (void *)(long)pthread_mutex_timedlock(&locks[1], &end);
}

static void *want(void *mutex)
{
    sem_post(&ready);
    lock(mutex);
    return NULL;
}

static void *hold_and_want(void *number)
{
    lock(&locks[(long)number]);
    sem_post(&ready);
    lock(&locks[(long)number + 1]);
    return NULL;
}

static void *lock_and_end(void *mutex)
{
    lock(mutex);
    return NULL;
}

static void *want_stream(void *stream)
{
    await_ready(1);
    fputs("text", stream);
    return stream;
}

static void *lock_stream_and_end(void *stream)
{
    flockfile(stream);
    return stream;
}

static void *lock_and_leave(void *tid)
{
    lock(&locks[0]);
    return finish(tid);
}

static void *lock_twice(void *mutex)
{
    lock(mutex);
    sem_post(&ready);
    lock(mutex);
    return stay(NULL);
}

static void end_with(void *(*routine)(void *), void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, routine, arg) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void *hold_and_stay(void *mutex)
{
    lock(mutex);
    return stay(NULL);
}

static void join_loop(void)
{
    pthread_t threads[3];
    lock(&locks[0]);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, want, &locks[0]) == 0);
    await_ready(3);
    CHECK(write(1, "up\n", 3) == 3);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void end_with_lock_unjoined(void)
{
    static pid_t tid;
    start(lock_and_leave, &tid);
    await_ready(1);
    await_gone(tid);
}

/* The one that wants it is older: a new thread would get the descriptor of the owner, which is stored. */
static void end_with_stream(void)
{
    FILE *stream = fopen("/dev/null", "w");
    CHECK(stream);
    start(want_stream, stream);
    end_with(lock_stream_and_end, stream);
    sem_post(&ready);
}

static pid_t fork_child(void)
{
    pid_t parent = getpid(), child = fork();
    CHECK(child >= 0);
    if (!child)
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent);
    return child;
}

static void make_child(const char *how)
{
    if (!strcmp(how, "fork_gone"))
        end_with(lock_and_end, &locks[0]);
    else
        start(hold_and_stay, &locks[0]);
    if (strcmp(how, "fork_gone") != 0)
        await_ready(1);
    if (fork_child())
        return;
    if (!strcmp(how, "fork_reset")) {
        CHECK(pthread_mutex_init(&locks[0], NULL) == 0);
        lock(&locks[0]);
        start(want, &locks[0]);
        stay(NULL);
    }
    start(stay, NULL);
    lock(&locks[0]);
}

/* In the child the thread that called fork is the main thread. */
static void *hold_and_fork(void *unused)
{
    lock(&locks[0]);
    if (!fork_child())
        start(want, &locks[0]);
    else
        sem_post(&ready);
    return stay(unused);
}

static void set_kind(pthread_mutex_t *mutex, int type, int robust)
{
    pthread_mutexattr_t kind;
    CHECK(pthread_mutexattr_init(&kind) == 0);
    CHECK(pthread_mutexattr_settype(&kind, type) == 0);
    CHECK(pthread_mutexattr_setrobust(&kind, robust) == 0);
    CHECK(pthread_mutex_init(mutex, &kind) == 0);
}

static void make_ring(void *(*member)(void *), long count)
{
    members = count;
    CHECK(pthread_barrier_init(&all_hold, NULL, (unsigned)count) == 0);
    for (long i = 0; i < count; i++)
        start(member, (void *)i);
    await_ready((int)count);
}

static void *end_with_input(void *arg)
{
    char byte;
    while (read(0, &byte, 1) > 0)
        ;
    _exit(0);
    return arg;
}

static void make(const char *how, const char *count)
{
    pthread_t thread;
    if (!strcmp(how, "ring")) {
        make_ring(ring_member, atol(count));
        start(want, &locks[0]);
        await_ready(1);
    } else if (!strcmp(how, "join")) {
        lock(&locks[0]);
        CHECK(pthread_create(&thread, NULL, want, &locks[0]) == 0);
        await_ready(1);
        CHECK(write(1, "up\n", 3) == 3);
        pthread_join(thread, NULL);
    } else if (!strcmp(how, "join_loop")) {
        join_loop();
    } else if (!strcmp(how, "self")) {
        start(lock_twice, &locks[0]);
        await_ready(1);
    } else if (!strcmp(how, "dead")) {
        end_with(lock_and_end, &locks[0]);
        start(want, &locks[0]);
        await_ready(1);
    } else if (!strcmp(how, "dead_unjoined")) {
        end_with_lock_unjoined();
        start(want, &locks[0]);
        await_ready(1);
    } else if (!strcmp(how, "dead_stream")) {
        end_with_stream();
    } else if (!strcmp(how, "dead_main")) {
        lock(&locks[0]);
        start(want, &locks[0]);
        await_ready(1);
        CHECK(write(1, "up\n", 3) == 3);
        pthread_exit(NULL);
    } else if (!strcmp(how, "fork_held")) {
        lock(&locks[0]);
        if (!fork_child())
            start(want, &locks[0]);
    } else if (!strcmp(how, "fork_held_by")) {
        start(hold_and_fork, NULL);
        await_ready(1);
    } else if (!strncmp(how, "fork", 4)) {
        make_child(how);
    } else if (!strcmp(how, "end")) {
        lock(&locks[0]);
        start(want, &locks[0]);
        await_ready(1);
        exit(0);
    } else if (!strcmp(how, "timed")) {
        make_ring(timed_member, 2);
    } else if (!strcmp(how, "chain")) {
        lock(&locks[2]);
        start(hold_and_want, (void *)1);
        await_ready(1);
        start(hold_and_want, (void *)0);
        await_ready(1);
    } else if (!strcmp(how, "recursive")) {
        set_kind(&locks[0], PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED);
        start(lock_twice, &locks[0]);
        await_ready(1);
        start(want, &locks[0]);
        await_ready(1);
    } else {
        set_kind(&locks[0], PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
        end_with(lock_and_end, &locks[0]);
        CHECK(pthread_mutex_lock(&locks[0]) == EOWNERDEAD);
        start(want, &locks[0]);
        await_ready(1);
    }
}

int main(int argc, char **argv)
{
    start(end_with_input, NULL);
    make(argc > 1 ? argv[1] : "self", argc > 2 ? argv[2] : "3");
    CHECK(write(1, "up\n", 3) == 3);
    return (int)(long)stay(NULL);
}
