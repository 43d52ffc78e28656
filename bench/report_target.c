/* A program with many threads, created at 16 sites of different depth.  It measures how long
 * it was stopped.
 *
 *   report_target THREADS
 *
 * It prints "ready".  For each line that it reads, it prints the longest gap in ns since the
 * line before.  A thread that only reads the clock measures the gaps. */
#include "tests/targets/attributes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KEEP NOINLINE

enum { SITES = 16, STACK = 64 * 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static atomic_int ready;
static atomic_uint_fast64_t longest;
static volatile int going = 1, sink;

KEEP static int wait_for_work(void)
{
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&ready, 1);
    while (going)
        pthread_cond_wait(&never, &mutex);
    pthread_mutex_unlock(&mutex);
    return sink;
}

/* Each with a recursion of its own: pcs, depths and frame sizes differ. */
#define SITE(number)                                              \
    KEEP static int site_##number(int left)                       \
    {                                                             \
        char space[16 * number + 16];                             \
        __asm__ volatile("" : : "r"(space) : "memory");           \
        int x = left ? site_##number(left - 1) : wait_for_work(); \
        sink += x;                                                \
        return x + space[0];                                      \
    }
SITE(0)
SITE(1)
SITE(2)
SITE(3)
SITE(4)
SITE(5)
SITE(6)
SITE(7)
SITE(8)
SITE(9)
SITE(10)
SITE(11)
SITE(12)
SITE(13)
SITE(14)
SITE(15)

static int (*const sites[SITES])(int) = {site_0,  site_1,  site_2,  site_3, site_4,  site_5,
                                         site_6,  site_7,  site_8,  site_9, site_10, site_11,
                                         site_12, site_13, site_14, site_15};

static void *work(void *arg)
{
    size_t number = (size_t)arg % SITES;
    sink += sites[number]((int)number + 2);
    return NULL;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *watch(void *arg)
{
    uint64_t before = now_ns();
    for (;;) {
        uint64_t now = now_ns();
        if (now - before > atomic_load_explicit(&longest, memory_order_relaxed))
            atomic_store(&longest, now - before);
        before = now;
    }
    return arg;
}

static int start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    int why = pthread_create(&thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    return why;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    char line[16];
    for (int i = 0; i < count; i++)
        if (start(work, (void *)(size_t)i) != 0)
            return 77;
    while (atomic_load(&ready) < count)
        usleep(1000);
    if (start(watch, NULL) != 0)
        return 77;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        printf("%lu\n", (unsigned long)atomic_exchange(&longest, 0));
        fflush(stdout);
    }
    return 0;
}
