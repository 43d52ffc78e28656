/* A thread of the user's, created within a parallel region: the pool is the runtime's affair, this one is
 * not. */
#include <omp.h>

#include "target.h"

static NOINLINE void start_in_parallel(void)
{
#pragma omp parallel num_threads(3)
    {
#pragma omp master
        start(stay, NULL);
    }
}

int main(void)
{
    start_in_parallel();
    await_ready(1);
    return 0;
}
