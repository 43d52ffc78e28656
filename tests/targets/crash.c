/* Three threads; then a fault in the last one, or with "main" in main. */
#include <string.h>

#include "target.h"

static void fault(void)
{
    *(volatile int *)NULL = 1;
}

static void *crash(void *arg)
{
    fault();
    return arg;
}

int main(int argc, char **argv)
{
    start(stay, NULL);
    start(stay, NULL);
    await_ready(2);
    if (argc > 1 && strcmp(argv[1], "main") == 0)
        fault();
    start(crash, NULL);
    pause();
    return 0;
}
