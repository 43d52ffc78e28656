/* A pool of two threads, then a fork, by main or by a third thread.  The child says "up" and waits for the
 * end of its input, as its parent does. */
#include "target.h"
pid_t _Fork(void) __attribute__((weak)); /* glibc 2.34 */
static void wait_for_end(void)
{
    char byte;
    CHECK(read(0, &byte, 1) == 0);
    syscall(SYS_exit_group, 0);
}

static void *fork_here(void *how)
{
    pid_t child = strcmp(how, "_Fork") == 0 && _Fork ? _Fork() : fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(printf("up\n") == 3 && fflush(stdout) == 0);
        wait_for_end();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    start(stay, NULL);
    start(stay, NULL);
    await_ready(2);
    if (strcmp(argv[1], "thread") == 0)
        start(fork_here, argv[1]);
    else
        fork_here(argv[1]);
    wait_for_end();
}
