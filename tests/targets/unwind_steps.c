/* Through PLT stubs, the dynamic linker's lazy binding, libc's hand-written string
 * functions, the vdso and a function of its own, from one breakpoint to the next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attributes.h"

static volatile long sink;
static char text[600], copy[600];

NOINLINE long leaf(long x)
{
    sink += x;
    return x + sink;
}

NOINLINE int compare(const void *a, const void *b)
{
    long difference = leaf(*(const char *)a) - leaf(*(const char *)b);
    return (difference > 0) - (difference < 0);
}

NOINLINE void work(void)
{
    char letters[] = "unwinds";
    struct timespec now;
    __asm__ volatile("int3");
    sink += (long)strlen(text);
    memcpy(copy, text, (size_t)sink % 300 + 200);
    memset(text, 'y', (size_t)sink % 100 + 100);
    clock_gettime(CLOCK_MONOTONIC, &now);
    qsort(letters, sizeof(letters) - 1, 1, compare);
    sink += leaf(now.tv_nsec) + atoi("12");
    __asm__ volatile("int3");
    sink += letters[0];
}

int main(void)
{
    memset(text, 'x', 500);
    work();
    sink++;
    return 0;
}
