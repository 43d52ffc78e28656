/*
 * What the targets share.  A target whose own checks fail ends with 3 at once;
 * one that cannot do its work on this machine ends with 77.
 */
#ifndef TARGET_H
#define TARGET_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "attributes.h"

#define CHECK(what)                                                                         \
    do {                                                                                    \
        if (!(what)) {                                                                      \
            dprintf(2, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #what, errno); \
            syscall(SYS_exit_group, 3);                                                     \
        }                                                                                   \
    } while (0)

#define SKIP(why)                      \
    do {                               \
        dprintf(2, "skip: %s\n", why); \
        syscall(SYS_exit_group, 77);   \
    } while (0)

/* Posted by each thread of a target once it is where it is wanted. */
__attribute__((unused)) static sem_t ready;

__attribute__((constructor, unused)) static void init_ready(void)
{
    sem_init(&ready, 0, 0);
}

__attribute__((unused)) static void await(sem_t *event)
{
    while (sem_wait(event) != 0)
        CHECK(errno == EINTR);
}

__attribute__((unused)) static void await_ready(int threads)
{
    while (threads-- > 0)
        await(&ready);
}

/* Start routine: says that it runs, and stays for ever. */
__attribute__((unused)) static void *stay(void *arg)
{
    (void)arg;
    sem_post(&ready);
    for (;;)
        pause();
    return NULL;
}

/* Start routine: stays until the semaphore it is given is posted. */
__attribute__((unused)) static void *stay_until(void *event)
{
    await(event);
    return NULL;
}

/* Start routine: does nothing. */
__attribute__((unused)) static void *nothing(void *arg)
{
    return arg;
}

/* Start routine: stores its tid, if requested, and ends. */
__attribute__((unused)) static void *finish(void *tid)
{
    if (tid)
        *(pid_t *)tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    return tid;
}

/* Waits until the kernel has no such thread any more. */
__attribute__((unused)) static void await_gone(pid_t tid)
{
    const struct timespec moment = {0, 100000};
    while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
        nanosleep(&moment, NULL);
    CHECK(errno == ESRCH);
}

__attribute__((unused)) static pthread_t start(void *(*routine)(void *), void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, routine, arg) == 0);
    return thread;
}

/* A thread that has ended, and nobody joined it. */
__attribute__((unused)) static pthread_t start_and_see_finish(void)
{
    static pid_t tid;
    pthread_t thread = start(finish, &tid);
    await_ready(1);
    await_gone(tid);
    return thread;
}

#endif
