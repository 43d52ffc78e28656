/* OpenMP: `openmp_waits HOW`. Prints "up"; ends with its input. Its locks do not store their owner.
 *
 *   critical       two threads of a team enter two critical sections, each in its own order
 *   critical_near  a thread is in a critical section that another one wants, and waits for a signal
 *   barrier_near   one thread of a team is at a barrier, the other waits for a signal */
#include <fcntl.h>
#include <omp.h>

#include "target.h"

static pthread_barrier_t both_in;

static void first_then_second(void)
{
#pragma omp critical(first)
    {
        pthread_barrier_wait(&both_in);
#pragma omp critical(second)
        stay(NULL);
    }
}

static void second_then_first(void)
{
#pragma omp critical(second)
    {
        pthread_barrier_wait(&both_in);
#pragma omp critical(first)
        stay(NULL);
    }
}

static void hold_first(void)
{
#pragma omp critical(first)
    {
        pthread_barrier_wait(&both_in);
        stay(NULL);
    }
}

static void want_first(void)
{
    pthread_barrier_wait(&both_in);
#pragma omp critical(first)
    stay(NULL);
}

static void run(const char *how, int member)
{
    if (!strcmp(how, "critical"))
        member ? first_then_second() : second_then_first();
    else if (!strcmp(how, "critical_near"))
        member ? hold_first() : want_first();
    else if (member)
        stay(NULL);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "critical";
    CHECK(pthread_barrier_init(&both_in, NULL, 2) == 0);
    CHECK(fcntl(0, F_SETOWN, getpid()) == 0);
    CHECK(fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC) == 0);
    CHECK(write(1, "up\n", 3) == 3);
#pragma omp parallel num_threads(2)
    run(how, omp_get_thread_num());
    return 0;
}
