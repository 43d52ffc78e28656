/*
 * Puts itself into a sandbox that kills for any call but those it needs to
 * live and end: no call of the shim at its end may kill it.
 *
 *   seccomp_filter [syscall | privileged]   privileged: without PR_SET_NO_NEW_PRIVS
 */
#include <stdbool.h>

#include "sandbox.h"

static bool is(const char *argument, const char *word)
{
    return argument && strcmp(argument, word) == 0;
}

static void enter(const char *how, const struct sock_fprog *program)
{
    if (!is(how, "privileged") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        SKIP("no seccomp here");
    if ((how ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program)
             : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program)) != 0)
        SKIP("no seccomp here");
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct sock_fprog program =
        SANDBOX_PROGRAM(ALLOW(write), ALLOW(exit_group), ALLOW(exit), ALLOW(futex), ALLOW(rt_sigreturn),
                        ALLOW(restart_syscall), OTHERS(SECCOMP_RET_KILL_PROCESS));
    start(stay, NULL);
    await_ready(1);
    enter(argv[1], &program);
    CHECK(write(1, "in the sandbox\n", 15) == 15);
    return 0;
}
