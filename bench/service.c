/* service THREADS: a service whose threads take requests from a queue; each keeps a CPU busy for some 20 µs.
 * It prints "ready". For each line that it reads, it prints how many requests it has answered. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUE = 64, ROUNDS = 5000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_some = PTHREAD_COND_INITIALIZER, has_room = PTHREAD_COND_INITIALIZER;
static uint64_t queue[QUEUE], head, tail;
static atomic_uint_fast64_t answered, answers;

static uint64_t take(void)
{
    pthread_mutex_lock(&lock);
    while (head == tail)
        pthread_cond_wait(&has_some, &lock);
    uint64_t request = queue[head++ % QUEUE];
    pthread_cond_signal(&has_room);
    pthread_mutex_unlock(&lock);
    return request;
}

static void put(uint64_t request)
{
    pthread_mutex_lock(&lock);
    while (tail - head == QUEUE)
        pthread_cond_wait(&has_room, &lock);
    queue[tail++ % QUEUE] = request;
    pthread_cond_signal(&has_some);
    pthread_mutex_unlock(&lock);
}

static void *answer(void *arg)
{
    for (;;) {
        uint64_t x = take();
        for (int i = 0; i < ROUNDS; i++)
            x = (x ^ x >> 29) * 0x9e3779b97f4a7c15ull;
        atomic_fetch_add(&answers, x);
        atomic_fetch_add(&answered, 1);
    }
    return arg;
}

static void *ask(void *arg)
{
    for (uint64_t i = 0;; i++)
        put(i);
    return arg;
}

static void start(void *(*run)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        exit(77);
}

int main(int argc, char **argv)
{
    char line[16];
    for (int i = argc > 1 ? atoi(argv[1]) : 4; i > 0; i--)
        start(answer);
    start(ask);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        printf("%lu\n", (unsigned long)atomic_load(&answered));
        fflush(stdout);
    }
    _Exit(0);
}
