/* main, f0, f1, f2, f3, blocked in pause(); the same in a thread with every signal blocked. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "attributes.h"

static volatile int depth, going = 1;

/* Work after each call: nothing is a tail call. */
NOINLINE int f3(int x)
{
    if (x == 3) {
        puts("ready");
        fflush(stdout);
    }
    while (going) {
        pause();
        depth += x;
    }
    return depth;
}

NOINLINE int f2(int x)
{
    char space[200];
    __asm__ volatile("" : : "r"(space) : "memory");
    int y = f3(x + 1);
    depth += y;
    return y + space[x];
}

NOINLINE int f1(int x)
{
    int y = f2(x + 1);
    depth += y;
    return y + 1;
}

NOINLINE int f0(int x)
{
    int y = f1(x + 1);
    depth += y;
    return y + 1;
}

NOINLINE void *deaf(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    f0(10);
    depth++;
    return arg;
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, deaf, NULL) != 0)
        return 1;
    f0(0);
    depth++;
    return 0;
}
