/*
 * Enters a seccomp sandbox and forks there. With "strict" the sandbox kills for what a fork needs not. With
 * "quit" it refuses tgkill(2), and SIGQUIT ends the child.
 */
#include <sys/resource.h>

#include "sandbox.h"

#define KILL(call) ON(call, SECCOMP_RET_KILL_PROCESS)

static void enter(const char *mode)
{
    if (*mode == 's')
        ENTER_SANDBOX(KILL(getpid), KILL(munmap), KILL(rt_sigaction), KILL(kcmp), OTHERS(SECCOMP_RET_ALLOW));
    else if (*mode == 'q')
        ENTER_SANDBOX(ON(tgkill, SECCOMP_RET_ERRNO | EPERM), OTHERS(SECCOMP_RET_ALLOW));
    else
        ENTER_SANDBOX(OTHERS(SECCOMP_RET_ALLOW));
}

int main(int argc, char **argv)
{
    int quits = argc > 1 && *argv[1] == 'q';
    int status;
    CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
    pthread_join(start(nothing, NULL), NULL);
    enter(argc > 1 ? argv[1] : "");
    pid_t child = fork();
    if (child == 0) {
        if (quits)
            pause();
        _exit(0);
    }
    if (quits)
        kill(child, SIGQUIT);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(quits ? WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT : status == 0);
    return 0;
}
