/* A thread calls exit(). While its handler waits, main ends the process by _exit(). Another thread is alive.
 */
#include "target.h"

static sem_t begun;

static void wait_in_handler(void)
{
    sem_post(&begun);
    for (;;)
        pause();
}

static void *call_exit(void *unused)
{
    (void)unused;
    exit(20);
}

int main(void)
{
    CHECK(sem_init(&begun, 0, 0) == 0 && atexit(wait_in_handler) == 0);
    CHECK(pthread_detach(start(stay, NULL)) == 0);
    await_ready(1);
    start(call_exit, NULL);
    await(&begun);
    _exit(21);
}
