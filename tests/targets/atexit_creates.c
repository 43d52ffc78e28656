/* An atexit handler makes a thread that stays. */
#include "target.h"

static void create_late(void)
{
    start(stay, NULL);
    await_ready(1);
}

int main(void)
{
    CHECK(atexit(create_late) == 0);
    return 0;
}
