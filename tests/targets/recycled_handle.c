/* The same pthread_t for one thread after the other: only the last one is left. */
#include "target.h"

int main(void)
{
    pid_t tid;
    pthread_t first = start(finish, &tid), thread = first;
    int reused = 0;

    for (int i = 0; i < 50; i++) {
        await_ready(1);
        if (i % 2)
            CHECK(pthread_detach(thread) == 0);
        else
            CHECK(pthread_join(thread, NULL) == 0);
        await_gone(tid);
        thread = start(finish, &tid);
        reused += thread == first;
    }
    await_ready(1);
    await_gone(tid);
    CHECK(reused > 0);
    return 0;
}
