/* Killed by the signal named (KILL, ABRT, SEGV, TERM) while a thread is alive. */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "target.h"

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "KILL";
    struct rlimit none = {0, 0};

    CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
    start(stay, NULL);
    await_ready(1);
    if (strcmp(name, "ABRT") == 0)
        abort();
    if (strcmp(name, "SEGV") == 0)
        *(volatile int *)8 = 0;
    raise(strcmp(name, "TERM") == 0 ? SIGTERM : SIGKILL);
    CHECK(!"killed");
}
