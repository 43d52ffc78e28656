/* C11 threads: one alive, one detached, one never joined, one joined. */
#include "target.h"

static int thrd_stay(void *arg)
{
    stay(arg);
    return 0;
}

static int thrd_finish(void *tid)
{
    finish(tid);
    return 1;
}

int main(void)
{
    thrd_t thread;
    pid_t tid;

    CHECK(thrd_create(&thread, thrd_stay, NULL) == thrd_success);
    CHECK(thrd_create(&thread, thrd_stay, NULL) == thrd_success);
    CHECK(thrd_detach(thread) == thrd_success);
    await_ready(2);
    CHECK(thrd_create(&thread, thrd_finish, NULL) == thrd_success);
    CHECK(thrd_join(thread, NULL) == thrd_success);
    await_ready(1);
    CHECK(thrd_create(&thread, thrd_finish, &tid) == thrd_success);
    await_ready(1);
    await_gone(tid);
    return 0;
}
