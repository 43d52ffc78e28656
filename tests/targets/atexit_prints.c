/* The output of the last exit handlers is before the report, flushed or not. */
#include "target.h"

static void say_late(void)
{
    dprintf(2, "written by an atexit handler\n");
}

__attribute__((destructor)) static void say_last(void)
{
    dprintf(2, "written by a destructor\n");
}

int main(void)
{
    CHECK(atexit(say_late) == 0);
    start(stay, NULL);
    await_ready(1);
    printf("left in stdio's buffer");
    return 0;
}
