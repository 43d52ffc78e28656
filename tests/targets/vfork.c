/* Children by vfork, ending by exec, failing exec and _exit, leave the parent's record alone. One of them has
 * changed its root before the parent had a record. */
#include "target.h"

static void vfork_and(const char *path, int expected)
{
    char *args[] = {"true", NULL};
    int status;
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        if (chroot("/") != 0 && errno != EPERM)
            _exit(9);
        if (path)
            execv(path, args);
        _exit(8);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == expected);
}

int main(void)
{
    vfork_and("/bin/true", 0);
    start(stay, NULL);
    await_ready(1);
    vfork_and("/bin/true", 0);
    vfork_and("/nonexistent/true", 8);
    vfork_and(NULL, 8);
    return 0;
}
