/*
 * SIGTERM.  Wrong: the handler calls exit(3), in whatever thread the signal came, and
 * the worker is cut off.  Right: main waits for the signal with sigwait(3), asks the
 * worker to stop, and joins it.
 */
#include "pattern.h"

static sem_t work;
static bool stopping;

static void *serve(void *arg)
{
    sem_post(&ready);
    while (!stopping)
        sem_wait(&work);
    return arg;
}

static void on_sigterm(int number)
{
    (void)number;
    exit(0);
}

static void wait_for_sigterm(const sigset_t *set)
{
    int number;
    puts("up");
    fflush(stdout);
    if (right)
        sigwait(set, &number);
    else
        for (;;)
            pause();
}

int main(int argc, char **argv)
{
    sigset_t set;
    choose(argc, argv);
    sem_init(&work, 0, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    if (right)
        pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread, which inherits it */
    else
        signal(SIGTERM, on_sigterm);
    pthread_t worker = start(serve, NULL);
    await_ready(1);
    await_asleep();
    wait_for_sigterm(&set);
    stopping = true;
    sem_post(&work);
    pthread_join(worker, NULL);
    return 0;
}
