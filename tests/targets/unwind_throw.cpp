// An exception in flight: stuck in a destructor that its unwinding runs.
#include <cstdio>
#include <unistd.h>

#include "attributes.h"

static volatile int depth, going = 1;

NOINLINE void stay()
{
    std::puts("ready");
    std::fflush(stdout);
    while (going) {
        pause();
        depth++;
    }
}

struct guard {
    NOINLINE ~guard()
    {
        stay();
        depth++;
    }
};

NOINLINE int f2(int x)
{
    if (x)
        throw x;
    return depth;
}

NOINLINE int f1(int x)
{
    guard held;
    int y = f2(x);
    depth += y;
    return y + 1;
}

NOINLINE int f0(int x)
{
    int y = f1(x);
    depth += y;
    return y + 1;
}

int main()
{
    try {
        f0(1);
    } catch (int) {
        depth++;
    }
    return 0;
}
