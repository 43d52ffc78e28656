/* A call of address 0 in f1; the handler of its fault stays, on the same stack. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "attributes.h"

static volatile int depth, going = 1;
static void (*volatile nothing)(void);

NOINLINE void handler(int signal)
{
    puts("ready");
    fflush(stdout);
    while (going) {
        pause();
        depth += signal;
    }
}

NOINLINE int f1(int x)
{
    nothing();
    depth += x;
    return x + 1;
}

NOINLINE int f0(int x)
{
    int y = f1(x + 1);
    depth += y;
    return y + 1;
}

int main(void)
{
    signal(SIGSEGV, handler);
    f0(0);
    depth++;
    return 0;
}
