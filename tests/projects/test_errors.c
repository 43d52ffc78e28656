/* A hard error, as automake and meson know it. */
#include "pool.h"

int main(void)
{
    pool_start(1);
    return 99;
}
