/* Ends by exit() below main. */
#include "target.h"

static NOINLINE void stop(void)
{
    exit(6);
}

int main(void)
{
    start(stay, NULL);
    await_ready(1);
    stop();
}
