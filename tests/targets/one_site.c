/* 40 threads of one call. The shim takes the first backtraces of a thread without libunwind's cache, and
 * later ones with it: they must be equal. */
#include "target.h"

enum { THREADS = 40 };

int main(void)
{
    for (int i = 0; i < THREADS; i++)
        start(stay, NULL);
    await_ready(THREADS);
    return 0;
}
