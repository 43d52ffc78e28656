/* For programs that notify condition variables and semaphores: PROGRAM HOW. */
#ifndef WAKES_H
#define WAKES_H

#include "target.h"
#include "ways.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t own_changed = PTHREAD_COND_INITIALIZER, *changed = &own_changed;
static sem_t posts;

static void post_in_handler(int number)
{
    (void)number;
    sem_post(&posts);
}

__attribute__((constructor)) static void init_posts(void)
{
    sem_init(&posts, 0, 0);
}

#endif
