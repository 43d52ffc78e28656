/* Enters a seccomp sandbox that allows everything, and forks there. */
#include "sandbox.h"

int main(void)
{
    int status;
    pthread_join(start(nothing, NULL), NULL);
    ENTER_SANDBOX(OTHERS(SECCOMP_RET_ALLOW));
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
