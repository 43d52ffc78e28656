/* Takes LD_PRELOAD out of its environment and runs itself anew: the child goes unwatched. */
#include "target.h"

extern char **environ;

int main(int argc, char **argv)
{
    int status;

    start(stay, NULL);
    await_ready(1);
    if (argc > 1)
        return 13; /* the child: nobody reports its leak */
    CHECK(unsetenv("LD_PRELOAD") == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char *args[] = {argv[0], "again", NULL};
        execv("/proc/self/exe", args);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 13);
    return 0;
}
