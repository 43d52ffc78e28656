/* A program that creates threads at many sites.
 *
 *   sites SITES ALIVE
 *
 * Each of the SITES is another path of ten calls. The threads of the first ALIVE stay, the others are joined.
 * It prints "ready", and then lives until its input ends. */
#include "tests/targets/attributes.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CALLS = 10, STACK = 64 * 1024 };

static pthread_attr_t small;
static volatile int sink;

static void *stay(void *arg)
{
    pause();
    return arg;
}

static void *end(void *arg)
{
    return arg;
}

NOINLINE static void create(bool stays)
{
    pthread_t thread;
    if (pthread_create(&thread, &small, stays ? stay : end, NULL) != 0)
        abort();
    if (!stays)
        pthread_join(thread, NULL);
    sink++;
}

NOINLINE static void left(unsigned path, int calls, bool stays);
NOINLINE static void right(unsigned path, int calls, bool stays);

static void go(unsigned path, int calls, bool stays)
{
    if (calls == 0)
        create(stays);
    else if (path & 1)
        right(path >> 1, calls - 1, stays);
    else
        left(path >> 1, calls - 1, stays);
    sink++;
}

NOINLINE static void left(unsigned path, int calls, bool stays)
{
    go(path, calls, stays);
    sink++;
}

NOINLINE static void right(unsigned path, int calls, bool stays)
{
    go(path, calls, stays);
    sink++;
}

int main(int argc, char **argv)
{
    unsigned sites = argc > 1 ? (unsigned)atoi(argv[1]) : 1, alive = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    if (sites > 1u << CALLS)
        return 1;
    for (unsigned path = 0; path < sites; path++)
        go(path, CALLS, path < alive);
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    return 0;
}
