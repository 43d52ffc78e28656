/*
 * Places where a program keeps a pointer, for random_state.c.  Each can be kept, or
 * kept and then dropped again.  What is kept in one of them can be found by a thread
 * that runs.
 */
#ifndef RANDOM_KEEP_H
#define RANDOM_KEEP_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "target.h"

enum keeper {
    IN_STATIC,
    IN_TAGGED,
    IN_INTERIOR,
    IN_CHAIN,
    IN_SHARED,
    IN_MAPPING,
    IN_PIPE,
    IN_SOCKET,
    IN_EPOLL,
    IN_TIMER,
    IN_SIGNAL,
    IN_RESULT,
    IN_STACK,
    IN_TLS,
    IN_SPECIFIC,
    KEEPERS
};

enum { KEPT_MAX = 4096, KEEPING_SIGNAL = 60 };

/* A place in which a pointer is kept, so that it can be dropped. */
static struct kept {
    uintptr_t word;
    int descriptors[2];
    timer_t timer;
    uintptr_t *outside;
} kept[KEPT_MAX];
static int kept_count;
static pthread_key_t key;
static __thread void *own;

struct hop {
    struct hop *next;
    void *pointer;
};

/* Waits for an hour, and so can do something with what it has. */
static void wait_for_time(void)
{
    const struct timespec hour = {3600, 0};
    sem_post(&ready);
    for (;;)
        nanosleep(&hour, NULL);
}

static void *keep_on_stack(void *pointer)
{
    void *volatile copy = pointer;
    pthread_setname_np(pthread_self(), "live");
    wait_for_time();
    return copy;
}

static void *keep_in_tls(void *box)
{
    own = *(void **)box;
    free(box);
    box = NULL;
    pthread_setname_np(pthread_self(), "live");
    wait_for_time();
    return NULL;
}

static void *keep_as_specific(void *box)
{
    pthread_setspecific(key, *(void **)box);
    free(box);
    box = NULL;
    pthread_setname_np(pthread_self(), "live");
    wait_for_time();
    return NULL;
}

static void *return_it(void *pointer)
{
    pthread_setname_np(pthread_self(), "live");
    return pointer;
}

static void **boxed(void *pointer)
{
    void **box = malloc(sizeof(*box));
    CHECK(box);
    *box = pointer;
    return box;
}

static struct hop *chain(void *pointer, int hops)
{
    struct hop *first = calloc(1, sizeof(*first));
    CHECK(first);
    if (hops == 0)
        first->pointer = pointer;
    else
        first->next = chain(pointer, hops - 1);
    return first;
}

static uintptr_t *map_word(int flags)
{
    uintptr_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    CHECK(words != MAP_FAILED);
    return words;
}

static void keep_in_bytes(struct kept *place, void *pointer, bool is_socket)
{
    if (is_socket)
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, place->descriptors) == 0);
    else
        CHECK(pipe(place->descriptors) == 0);
    CHECK(write(place->descriptors[1], &pointer, sizeof(pointer)) == sizeof(pointer));
}

static void keep_in_epoll(struct kept *place, void *pointer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pointer};
    CHECK(pipe(place->descriptors) == 0);
    int events = epoll_create1(0);
    CHECK(events >= 0 && epoll_ctl(events, EPOLL_CTL_ADD, place->descriptors[0], &event) == 0);
    place->word = (uintptr_t)events;
}

static void keep_in_timer(struct kept *place, void *pointer)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = KEEPING_SIGNAL};
    event.sigev_value.sival_ptr = pointer;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &place->timer) == 0);
}

static NOINLINE struct kept *keep(enum keeper where, void *pointer, unsigned random)
{
    struct kept *place = &kept[kept_count++];
    const union sigval value = {.sival_ptr = pointer};
    CHECK(kept_count < KEPT_MAX);
    switch (where) {
    case IN_STATIC:
        place->word = (uintptr_t)pointer;
        break;
    case IN_TAGGED:
        place->word = (uintptr_t)pointer | (random % 2 ? random / 2 % 8 : (uintptr_t)0x7b << 56);
        break;
    case IN_INTERIOR:
        place->word = (uintptr_t)pointer + random % 64;
        break;
    case IN_CHAIN:
        place->word = (uintptr_t)chain(pointer, (int)(random % 5));
        break;
    case IN_SHARED:
    case IN_MAPPING:
        place->outside = map_word(where == IN_SHARED ? MAP_SHARED : MAP_PRIVATE) + random % 500;
        *place->outside = (uintptr_t)pointer;
        break;
    case IN_PIPE:
    case IN_SOCKET:
        keep_in_bytes(place, pointer, where == IN_SOCKET);
        break;
    case IN_EPOLL:
        keep_in_epoll(place, pointer);
        break;
    case IN_TIMER:
        keep_in_timer(place, pointer);
        break;
    case IN_SIGNAL:
        CHECK(sigqueue(getpid(), KEEPING_SIGNAL, value) == 0);
        break;
    case IN_RESULT:
        place->word = start(return_it, pointer); /* who has its handle can have the result */
        break;
    case IN_STACK:
        start(keep_on_stack, pointer);
        await_ready(1);
        break;
    case IN_TLS:
        start(keep_in_tls, boxed(pointer));
        await_ready(1);
        break;
    case IN_SPECIFIC:
        start(keep_as_specific, boxed(pointer));
        await_ready(1);
        break;
    case KEEPERS:
        break;
    }
    return place;
}

/* Those after IN_TIMER are not dropped. */
static bool can_be_dropped(enum keeper where)
{
    return where <= IN_TIMER;
}

static NOINLINE void drop(enum keeper where, struct kept *place, unsigned random)
{
    void *bytes;
    if (where == IN_TIMER)
        CHECK(timer_delete(place->timer) == 0);
    if (where == IN_SHARED || where == IN_MAPPING)
        *place->outside = 0;
    if (where == IN_EPOLL)
        CHECK(epoll_ctl((int)place->word, EPOLL_CTL_DEL, place->descriptors[0], NULL) == 0);
    if (where == IN_PIPE || where == IN_SOCKET) {
        if (random % 2)
            CHECK(read(place->descriptors[0], &bytes, sizeof(bytes)) == sizeof(bytes));
        close(place->descriptors[0]);
        close(place->descriptors[1]);
        bytes = NULL;
    }
    if (where == IN_CHAIN && random % 2)
        free((void *)place->word);
    place->word = 0;
}

#endif
