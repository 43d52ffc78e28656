/*
 * A barrier with a wrong count.  It was made for the workers and main, but main does
 * not wait at it.  No worker passes.  Right: the count is the number of threads that
 * call pthread_barrier_wait().
 */
#include "pattern.h"

enum { WORKERS = 3 };

static void *compute(void *step)
{
    pthread_barrier_wait(step);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t workers[WORKERS];
    pthread_barrier_t step;
    choose(argc, argv);
    pthread_barrier_init(&step, NULL, right ? WORKERS : WORKERS + 1);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start(compute, &step);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    return end_example();
}
