/* Runs a program for which ptrace is refused, as in a container without the right to it. */
#include "sandbox.h"

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    ENTER_SANDBOX(ON(ptrace, SECCOMP_RET_ERRNO | EPERM), OTHERS(SECCOMP_RET_ALLOW));
    execv(argv[1], argv + 1);
    return 127;
}
