/* A thread waits for each child of any kind, as a debugger or an init process does. Meanwhile main asks for
 * five reports. */
#include <stdatomic.h>
#include <stdbool.h>

#include "target.h"

static _Atomic bool over;

static void *take(void *unused)
{
    sem_post(&ready);
    while (!over)
        if (waitpid(-1, NULL, __WALL) < 0)
            usleep(100);
    return unused;
}

int main(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, take, NULL) == 0);
    await_ready(1);
    for (int i = 0; i < 5; i++)
        CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
    over = true;
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
