/* A runner of no framework: each test in a process of its own, all at once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "leak.h"

static void first_leaks(void)
{
    leak();
}

static void second_leaks_two(void)
{
    leak();
    leak();
}

static void (*const tests[])(void) = {first_leaks, second_leaks_two, leak_nothing};
#define COUNT (sizeof(tests) / sizeof(*tests))

int main(void)
{
    pid_t pids[COUNT];
    int failed = 0, status;
    for (size_t i = 0; i < COUNT; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            tests[i]();
            exit(0);
        }
        dprintf(STDOUT_FILENO, "%d\n", (int)pids[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        failed += waitpid(pids[i], &status, 0) < 0 || status != 0;
    return failed;
}
