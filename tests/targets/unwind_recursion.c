/* 20,000 frames of one function, with a good hundred bytes each. */
#include "attributes.h"

#include <stdio.h>
#include <unistd.h>

static volatile int depth, going = 1;

NOINLINE int recurse(int left)
{
    char space[100];
    __asm__ volatile("" : : "r"(space) : "memory");
    if (left > 1) {
        int x = recurse(left - 1);
        depth += x;
        return x + space[left % 100];
    }
    puts("ready");
    fflush(stdout);
    while (going) {
        pause();
        depth++;
    }
    return depth;
}

int main(void)
{
    depth = recurse(20000);
    return depth;
}
