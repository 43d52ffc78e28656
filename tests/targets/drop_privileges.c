/* Becomes another user before it makes a thread: not dumpable, and the report comes. */
#include <grp.h>
#include <sys/prctl.h>

#include "target.h"

int main(void)
{
    if (getuid() != 0)
        SKIP("not root");
    CHECK(setgroups(0, NULL) == 0);
    CHECK(setresgid(65534, 65534, 65534) == 0);
    CHECK(setresuid(65534, 65534, 65534) == 0);
    CHECK(prctl(PR_GET_DUMPABLE) != 1);
    start(stay, NULL);
    await_ready(1);
    return 0;
}
