/* A process that prints its pid has ended before its child leaves fork(), and creates a thread that leaks. */
#include "target.h"

static pid_t parent; /* of the orphan; 0: the program itself */

static void wait_for_its_end(void)
{
    while (parent && getppid() == parent)
        usleep(1000);
}

/* Before libraries begin, so that no handler of theirs runs before this one. */
static void register_first(void)
{
    pthread_atfork(NULL, NULL, wait_for_its_end);
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = register_first;

static void fork_and_end(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    parent = getpid();
    CHECK(printf("%d\n", (int)parent) > 0 && fflush(stdout) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child != 0)
        _exit(0);
    start(stay, NULL);
    await_ready(1);
    exit(0);
}

int main(void)
{
    int until_end[2];
    char byte;
    CHECK(pipe(until_end) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        fork_and_end();
    CHECK(close(until_end[1]) == 0 && waitpid(child, NULL, 0) == child);
    CHECK(read(until_end[0], &byte, 1) == 0);
    return 0;
}
