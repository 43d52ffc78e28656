/* On its way through all sorts of code: sorting, printing, the clock of the vdso,
 * memory, PLT stubs, signals; to be caught anywhere. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile long sink;

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void handle(int signal)
{
    sink += signal;
}

__attribute__((noinline)) void work(unsigned number)
{
    unsigned seed = number;
    struct timespec now;
    char words[64][16], text[64];
    for (size_t i = 0; i < 64; i++)
        snprintf(words[i], sizeof(words[i]), "%u", (unsigned)rand_r(&seed));
    qsort(words, 64, sizeof(words[0]), compare);
    for (int i = 0; i < 100; i++)
        clock_gettime(CLOCK_MONOTONIC, &now);
    char *copy = malloc(10000);
    memset(copy, (int)seed, 10000);
    memmove(copy + 1, copy, 9000);
    free(copy);
    snprintf(text, sizeof(text), "%f %s", (double)now.tv_nsec, words[0]);
    sink += atoi(text) + getppid();
    if (number % 64 == 0)
        raise(SIGUSR1);
}

static void *again(void *arg)
{
    if (arg) {
        puts(arg);
        fflush(stdout);
    }
    for (unsigned i = 0;; i++)
        work(i);
    return arg;
}

int main(void)
{
    pthread_t thread;
    signal(SIGUSR1, handle);
    if (pthread_create(&thread, NULL, again, "ready") != 0)
        return 1;
    again(NULL);
    return 0;
}
