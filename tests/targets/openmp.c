/* The pool of the OpenMP runtime leaks; the site is the parallel region. */
#include <omp.h>

#include "target.h"

static NOINLINE int sum_in_parallel(int n)
{
    int sum = 0;
#pragma omp parallel for reduction(+ : sum) num_threads(3)
    for (int i = 0; i < n; i++)
        sum += i;
    return sum;
}

int main(void)
{
    printf("%d\n", sum_in_parallel(100));
    return 0;
}
