/* A signal handler on an alternate stack, in the middle of f1, which a fault interrupts. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "attributes.h"

static volatile int depth, going = 1;

NOINLINE void stay(void)
{
    puts("ready");
    fflush(stdout);
    while (going) {
        pause();
        depth++;
    }
}

NOINLINE void handler(int signal)
{
    stay();
    depth += signal;
}

NOINLINE int f1(volatile int *nowhere)
{
    int x = *nowhere;
    depth += x;
    return x + 1;
}

NOINLINE int f0(volatile int *nowhere)
{
    int x = f1(nowhere);
    depth += x;
    return x + 1;
}

int main(void)
{
    stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    if (!stack.ss_sp || sigaltstack(&stack, NULL) != 0 || sigaction(SIGSEGV, &action, NULL) != 0)
        return 1;
    f0(NULL);
    depth++;
    return 0;
}
