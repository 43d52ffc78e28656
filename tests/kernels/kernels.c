/*
 * kernels NAME: says "up", and runs this kernel.  If the main thread comes to the end
 * of it, it waits until standard input ends.  Without a name: lists them.
 */
#include <stdio.h>
#include <string.h>

#include "kernel.h"

extern const struct kernel __start_kernels[], __stop_kernels[];

static const struct kernel *find(const char *name)
{
    for (const struct kernel *each = __start_kernels; each < __stop_kernels; each++)
        if (strcmp(each->name, name) == 0)
            return each;
    return NULL;
}

/* What run() left below the stack pointer would become part of frames of functions that are called later. */
static __attribute__((noinline)) void wipe_stack(void)
{
    char unused[32768];
    explicit_bzero(unused, sizeof(unused));
}

/* So far below the frame of main that wipe_stack() wipes all of what it leaves. */
static __attribute__((noinline)) void run_below(const struct kernel *kernel)
{
    char room[4096];
    __asm__ volatile("" : : "r"(room) : "memory");
    kernel->run();
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        for (const struct kernel *each = __start_kernels; each < __stop_kernels; each++)
            puts(each->name);
        return 0;
    }
    const struct kernel *kernel = find(argv[1]);
    if (!kernel)
        return 2;
    puts("up");
    fflush(stdout);
    run_below(kernel);
    wipe_stack();
    while (getchar() != EOF)
        ;
    return 0;
}
