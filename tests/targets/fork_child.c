/* A forked child makes threads of its own and leaves one, its parent leaves another. */
#include "target.h"

static NOINLINE void leak_in_child(void)
{
    start(stay, NULL);
}

static NOINLINE void leak_in_parent(void)
{
    start(stay, NULL);
}

int main(void)
{
    int status;
    leak_in_parent();
    await_ready(1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
        leak_in_child();
        await_ready(1);
        exit(9);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 9);
    return 0;
}
