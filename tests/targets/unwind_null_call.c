/* A call of address 0 in f1; the handler of its fault stays, on the same stack. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noclone))

static volatile int depth, going = 1;
static void (*volatile nothing)(void);

KEEP void handler(int signal)
{
    puts("ready");
    fflush(stdout);
    while (going) {
        pause();
        depth += signal;
    }
}

KEEP int f1(int x)
{
    nothing();
    depth += x;
    return x + 1;
}

KEEP int f0(int x)
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
