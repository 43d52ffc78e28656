/* Before its first thread it goes where the directory of a run is hidden, and its socket does not exist. */
#include <sched.h>
#include <sys/mount.h>

#include "target.h"

static void hide(const char *directory)
{
    CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    if (directory)
        CHECK(mount("none", directory, "tmpfs", 0, NULL) == 0);
}

int main(void)
{
    /* With a user namespace it would not be dumpable, so the reporter could not read it: ptrace(2). */
    if (getuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
        SKIP("may not make namespaces");
    hide(getenv("THREADLEAK_RUN_DIR"));
    start(stay, NULL);
    await_ready(1);
    return 0;
}
