/* A program with a SIGQUIT handler of its own keeps it. */
#include "target.h"

static volatile sig_atomic_t seen;

static void on_quit(int signal)
{
    (void)signal;
    seen++;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_quit}, found;

    CHECK(sigaction(SIGQUIT, &action, NULL) == 0);
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    CHECK(sigaction(SIGQUIT, NULL, &found) == 0 && found.sa_handler == on_quit);
    CHECK(raise(SIGQUIT) == 0 && seen == 1);
    puts("its own");
    return 0;
}
