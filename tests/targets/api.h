/*
 * For programs that ask through <threadleak.h>, one scenario a run: PROGRAM NAME. They print what they were
 * answered; tests/e2e/api.py knows what that must be.
 */
#ifndef API_H
#define API_H

#include "attributes.h"
#include "ways.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threadleak.h>
#include <unistd.h>

#define AT_ONCE "grace_ms=0 stacks=0"

static sem_t started, gate;

static NOINLINE void *hold(void *arg)
{
    sem_post(&started);
    while (sem_wait(&gate) != 0)
        ;
    return arg;
}

static pthread_t start(void *(*routine)(void *), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, routine, arg) != 0)
        abort();
    return thread;
}

/* Its thread is known to be inside `hold`. */
static NOINLINE pthread_t hold_one(void)
{
    pthread_t thread = start(hold, NULL);
    sem_wait(&started);
    return thread;
}

static void say(const char *what, long result)
{
    printf("%s %ld\n", what, result);
    fflush(stdout);
}

__attribute__((constructor)) static void init_semaphores(void)
{
    sem_init(&started, 0, 0);
    sem_init(&gate, 0, 0);
}

#endif
