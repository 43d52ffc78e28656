/* chroot into an empty directory: no reporter can be started, so the shim writes the raw report. */
#include <sched.h>
#include <stdbool.h>

#include "target.h"

static NOINLINE void start_in_chroot(void)
{
    start(stay, NULL);
}

int main(void)
{
    char root[] = "/tmp/threadleak-chroot-XXXXXX";

    CHECK(mkdtemp(root));
    bool allowed = getuid() == 0 || unshare(CLONE_NEWUSER) == 0;
    allowed = allowed && chdir(root) == 0 && rmdir(root) == 0 && chroot(".") == 0;
    rmdir(root);
    if (!allowed)
        SKIP("may not chroot");
    start_in_chroot();
    await_ready(1);
    return 0;
}
