/* A handler of SIGCHLD finds the pid that posix_spawn stores, however soon the child ends. */
#include <spawn.h>

#include "target.h"

extern char **environ;

static volatile pid_t child;
static volatile int ended, unknown;

static void on_child(int number)
{
    (void)number;
    int saved_errno = errno;
    unknown += child == 0;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ended++;
    errno = saved_errno;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    char *arguments[] = {"true", NULL};

    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    for (int i = 0; i < 200; i++) {
        int before = ended;
        child = 0;
        CHECK(posix_spawn((pid_t *)&child, "/bin/true", NULL, NULL, arguments, environ) == 0);
        while (ended == before)
            usleep(100);
    }
    printf("handlers that saw no pid: %d\n", unknown);
    return 0;
}
