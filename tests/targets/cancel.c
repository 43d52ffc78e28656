/* Cancelled, and never joined: its end is seen, its stack is still held. */
#include "target.h"

static void *tell_and_stay(void *tid)
{
    *(pid_t *)tid = (pid_t)syscall(SYS_gettid);
    return stay(NULL);
}

int main(void)
{
    pid_t tid;
    pthread_t thread = start(tell_and_stay, &tid);
    await_ready(1);
    CHECK(pthread_cancel(thread) == 0);
    await_gone(tid);
    return 0;
}
