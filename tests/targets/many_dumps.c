/*
 * Two threads may take the dump signal, both at work; "TICKS TICKS\n" for each line on
 * standard input: how often each came round; the end of it is the end.
 */
#include <stdatomic.h>

#include "target.h"

static atomic_long ticks[2];

static void *work(void *arg)
{
    const struct timespec moment = {0, 1000000};
    for (atomic_long *own = arg;; ++*own)
        nanosleep(&moment, NULL);
    return NULL;
}

int main(void)
{
    sigset_t dump;
    char line[16];
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&dump);
    sigaddset(&dump, SIGQUIT);
    start(work, &ticks[0]);
    start(work, &ticks[1]);
    pthread_sigmask(SIG_BLOCK, &dump, NULL);
    for (int i = 0; i < 50; i++)
        start(stay, NULL);
    await_ready(50);
    puts("ready");
    while (fgets(line, sizeof(line), stdin))
        printf("%ld %ld\n", ticks[0], ticks[1]);
    _exit(0);
}
