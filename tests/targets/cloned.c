/* A child that the system call clone made, not libc, creates a thread that leaks. Made by main or by another
 * thread: cloned main|thread */
#include "target.h"

static void *clone_here(void *unused)
{
    int status;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    CHECK(child >= 0);
    if (child == 0) {
        start(stay, NULL);
        await_ready(1);
        exit(5);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    return unused;
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    if (strcmp(argv[1], "thread") == 0)
        CHECK(pthread_join(start(clone_here, NULL), NULL) == 0);
    else
        clone_here(NULL);
    return 0;
}
