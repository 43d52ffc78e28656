/* Passes, and forgets to stop the pool. */
#include "pool.h"

int main(void)
{
    return pool_start(2) == 0;
}
