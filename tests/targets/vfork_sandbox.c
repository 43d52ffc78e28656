/* A child of vfork gives up privileges before its exec, as posix_spawn of some runtimes does. The parent is
 * in no sandbox. */
#include <linux/kcmp.h>
#include <sys/prctl.h>

#include "target.h"

int main(void)
{
    int status;
    if (syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM) != 0)
        SKIP("no kcmp here");
    start(stay, NULL);
    await_ready(1);
    pid_t child = vfork();
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return 0;
}
