/* A thread waits until tomorrow, one for a pipe, one for a semaphore of several processes, and the main
 * thread for ever; with an argument it returns when the others are asleep. */
#include "asleep.h"
#include "target.h"

static sem_t tokens, of_processes;
static int ends[2];

static void *wait_until_tomorrow(void *arg)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 86400;
    sem_post(&ready);
    sem_timedwait(&tokens, &until);
    return arg;
}

static void *read_end(void *arg)
{
    char byte;
    sem_post(&ready);
    CHECK(read(ends[0], &byte, 1) == 1);
    return arg;
}

static void *wait_for_processes(void *arg)
{
    sem_post(&ready);
    await(&of_processes);
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t threads[3];
    CHECK(sem_init(&tokens, 0, 0) == 0 && sem_init(&of_processes, 1, 0) == 0);
    CHECK(pipe(ends) == 0 && dup2(ends[0], 100) == 100);
    ends[0] = 100;
    CHECK(pthread_create(&threads[0], NULL, wait_until_tomorrow, NULL) == 0);
    CHECK(pthread_create(&threads[1], NULL, read_end, NULL) == 0);
    CHECK(pthread_create(&threads[2], NULL, wait_for_processes, NULL) == 0);
    await_ready(3);
    CHECK(write(STDOUT_FILENO, "ready\n", 6) == 6);
    if (argc > 1 && *argv[1]) {
        await_asleep();
        return 0;
    }
    await(&tokens);
}
