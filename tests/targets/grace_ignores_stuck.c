/* One thread goes during the grace period, one does not: only that one leaks. */
#include "target.h"

static sem_t release;

static void *stop_slowly(void *arg)
{
    const struct timespec moment = {0, 20000000};
    await(&release);
    nanosleep(&moment, NULL);
    return arg;
}

static void tell(void)
{
    sem_post(&release);
}

int main(void)
{
    CHECK(sem_init(&release, 0, 0) == 0);
    CHECK(atexit(tell) == 0);
    CHECK(pthread_detach(start(stop_slowly, NULL)) == 0);
    start(stay, NULL);
    await_ready(1);
    return 0;
}
