/* A handler of exit() ends the process by _exit() while a thread is alive.
 *
 *   end_in_handler early|late|exit    registered before or after the thread was created; main calls exit() */
#include "target.h"

static void leave(void)
{
    _exit(6);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    if (strcmp(argv[1], "early") == 0)
        CHECK(atexit(leave) == 0);
    start(stay, NULL);
    await_ready(1);
    if (strcmp(argv[1], "early") != 0)
        CHECK(atexit(leave) == 0);
    if (strcmp(argv[1], "exit") == 0)
        exit(5);
    return 5;
}
