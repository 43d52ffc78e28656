/* Enters a seccomp sandbox and forks there. With an argument the sandbox kills for what a fork needs not. */
#include "sandbox.h"

#define KILL(call) ON(call, SECCOMP_RET_KILL_PROCESS)

static void enter(int strict)
{
    if (strict)
        ENTER_SANDBOX(KILL(getpid), KILL(munmap), KILL(rt_sigaction), KILL(kcmp), OTHERS(SECCOMP_RET_ALLOW));
    else
        ENTER_SANDBOX(OTHERS(SECCOMP_RET_ALLOW));
}

int main(int argc, char **argv)
{
    int status;
    (void)argv;
    pthread_join(start(nothing, NULL), NULL);
    enter(argc > 1);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
