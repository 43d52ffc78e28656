/* Without symbols: frames are module and offset. */
#include "target.h"

static NOINLINE void start_pool(void)
{
    start(stay, NULL);
}

int main(void)
{
    start_pool();
    await_ready(1);
    return 0;
}
