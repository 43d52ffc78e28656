/* Cannot be run here: skipped, in every harness of these. */
#include "pool.h"

int main(void)
{
    pool_start(1);
    return 77;
}
