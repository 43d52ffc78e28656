/* A child that is forked in a sandbox has no ledger: it creates two threads. */
#include "sandbox.h"

int main(void)
{
    int status;
    ENTER_SANDBOX(OTHERS(SECCOMP_RET_ALLOW));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 2; i++)
            CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
