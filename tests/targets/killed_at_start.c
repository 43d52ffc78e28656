/* A signal ends it before the constructors of its libraries have run. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void kill_self(int argc, char **argv, char **environment)
{
    (void)environment;
    if (argc > 1)
        kill(getpid(), atoi(argv[1]));
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **,
                                                                            char **) = kill_self;

int main(void)
{
    return 0;
}
