/* Has a second loader namespace, and a filter that shim and libc did not see refuses kcmp(2). The child of a
 * vfork ends, and then main leaves a thread. */
#include <dlfcn.h>

#include "sandbox.h"

int main(void)
{
    const struct sock_fprog *program =
        &SANDBOX_PROGRAM(ON(kcmp, SECCOMP_RET_ERRNO | EPERM), OTHERS(SECCOMP_RET_ALLOW));
    int status;
    if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) != 0)
        SKIP("no seccomp here");
    CHECK(dlmopen(LM_ID_NEWLM, "libm.so.6", RTLD_NOW));
    pid_t child = vfork();
    if (child == 0)
        _exit(127);
    CHECK(waitpid(child, &status, 0) == child);
    start(stay, NULL);
    return 0;
}
