/*
 * A handler of exit() asks a detached thread to stop. The thread ends when it sees that the main thread
 * sleeps, as the shim does in the grace period, and nobody else.
 *
 *   grace [stuck]   stuck: another thread does not end, and only that one leaks
 */
#include <stdbool.h>

#include "target.h"

static sem_t release;

static bool main_sleeps(void)
{
    char path[64];
    long number = -1;
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", getpid());
    FILE *file = fopen(path, "re");
    if (!file) /* no such file: a moment must do */
        return true;
    bool known = fscanf(file, "%ld", &number) == 1; /* otherwise it runs */
    fclose(file);
    return known && number == SYS_nanosleep;
}

static void *stop_slowly(void *arg)
{
    const struct timespec moment = {0, 1000000};
    await(&release);
    do
        nanosleep(&moment, NULL);
    while (!main_sleeps());
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
