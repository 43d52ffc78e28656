/* Threads stopped and joined by an atexit handler and by a destructor: no leak. */
#include "target.h"

static struct {
    sem_t release;
    pthread_t thread;
} workers[2];

static void stop(int n)
{
    sem_post(&workers[n].release);
    CHECK(pthread_join(workers[n].thread, NULL) == 0);
}

static void join_late(void)
{
    stop(0);
}

__attribute__((destructor)) static void join_last(void)
{
    stop(1);
    dprintf(1, "joined\n");
}

int main(void)
{
    CHECK(atexit(join_late) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(sem_init(&workers[i].release, 0, 0) == 0);
        workers[i].thread = start(stay_until, &workers[i].release);
    }
    return 0;
}
