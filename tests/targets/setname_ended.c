/* A name outlives its thread. */
#include "target.h"

static void *name_self(void *tid)
{
    CHECK(pthread_setname_np(pthread_self(), "was here") == 0);
    return finish(tid);
}

int main(void)
{
    pid_t tid;
    start(name_self, &tid);
    await_ready(1);
    await_gone(tid);
    return 0;
}
