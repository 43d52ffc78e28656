/*
 * asleep_until_signal HANDLER: all threads wait for each other. With the argument "handler", SIGTERM wakes
 * the main thread, as in a server; with "none" nothing does.
 */
#include "target.h"

static sem_t quit;

static void on_signal(int number)
{
    (void)number;
    sem_post(&quit);
}

static void *wait_for_work(void *arg)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    sem_post(&ready);
    for (;;)
        pthread_cond_wait(&work, &mutex);
    return arg;
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_signal};
    if (argc > 1 && strcmp(argv[1], "handler") == 0)
        CHECK(sigaction(SIGTERM, &action, NULL) == 0);
    start(wait_for_work, NULL);
    await_ready(1);
    puts("up");
    fflush(stdout);
    await(&quit);
    return 0;
}
