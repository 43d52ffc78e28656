/* SIGCHLD is ignored, so that the kernel reaps children: the report comes all the same. */
#include "target.h"

int main(void)
{
    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    start(stay, NULL);
    await_ready(1);
    return 0;
}
