/* Parent, child and grandchild, each with a program of its own and one leak: one report for the tree. */
#include "target.h"

static NOINLINE void leak_at_level(int level)
{
    char name[16];
    snprintf(name, sizeof(name), "level %d", level);
    CHECK(pthread_setname_np(start(stay, NULL), name) == 0);
    await_ready(1);
}

int main(int argc, char **argv)
{
    int level = argc > 1 ? atoi(argv[1]) : 1, status;
    char next[16];

    leak_at_level(level);
    if (level == 3)
        return 0;
    snprintf(next, sizeof(next), "%d", level + 1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", argv[0], next, (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
