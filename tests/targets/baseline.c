/* Threads that are known to stay (a rule names them) beside one that is new. */
#include "target.h"

static NOINLINE void start_known_pool(void)
{
    for (int i = 0; i < 3; i++)
        start(stay, NULL);
}

static NOINLINE void start_new_leak(void)
{
    start(stay, NULL);
}

int main(int argc, char **argv)
{
    (void)argv;
    start_known_pool();
    if (argc == 1)
        start_new_leak();
    await_ready(argc == 1 ? 4 : 3);
    return 0;
}
