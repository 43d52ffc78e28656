/* Fails with a status of its own, and forgets the pool as well. */
#include "pool.h"

int main(void)
{
    pool_start(1);
    return 3;
}
