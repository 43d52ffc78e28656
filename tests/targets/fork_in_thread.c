/* A thread forks: in the child it is the main thread, and no leak, by return or by exit. */
#include "target.h"

static void *fork_here(void *by_exit)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
        if (by_exit)
            exit(0);
        return NULL; /* the last thread's end */
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return NULL;
}

int main(void)
{
    CHECK(pthread_join(start(fork_here, NULL), NULL) == 0);
    CHECK(pthread_join(start(fork_here, &ready), NULL) == 0);
    puts("done");
    fflush(stdout);
    return 0;
}
