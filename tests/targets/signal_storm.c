/* A timer signal each 100 µs while 3,000 threads are made and joined. */
#include <sys/time.h>

#include "target.h"

static volatile sig_atomic_t ticks;

static void on_tick(int signal)
{
    (void)signal;
    ticks++;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};

    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (int i = 0; i < 3000 || ticks < 100; i++)
        CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    puts("done");
    return 0;
}
