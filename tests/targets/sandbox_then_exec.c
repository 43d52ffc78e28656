/*
 * Starts a program with a filter for system calls that the shim makes, and this program does not.
 *
 *   sandbox_then_exec kill|refuse LIBRARY PROGRAM   LIBRARY: for LD_PRELOAD
 */
#include "sandbox.h"

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    unsigned answer =
        strcmp(argv[1], "kill") == 0 ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | (unsigned)EPERM;
    ENTER_SANDBOX(ON(process_vm_readv, answer), ON(kcmp, answer), OTHERS(SECCOMP_RET_ALLOW));
    setenv("LD_PRELOAD", argv[2], 1);
    execv(argv[3], argv + 3);
    return 127;
}
