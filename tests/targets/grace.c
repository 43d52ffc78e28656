/*
 * A handler of exit() asks a detached thread to stop. The thread ends a few
 * milliseconds later, within the grace period.
 *
 *   grace [stuck]   stuck: another thread does not end, and only that one leaks
 */
#include "target.h"

static sem_t release;

static void *stop_slowly(void *arg)
{
    const struct timespec moment = {0, 20000000};
    await(&release);
    nanosleep(&moment, NULL);
    return arg;
}

static void ask(void)
{
    sem_post(&release);
}

int main(int argc, char **argv)
{
    (void)argv;
    CHECK(sem_init(&release, 0, 0) == 0);
    CHECK(atexit(ask) == 0);
    CHECK(pthread_detach(start(stop_slowly, NULL)) == 0);
    if (argc > 1) {
        start(stay, NULL);
        await_ready(1);
    }
    return 0;
}
