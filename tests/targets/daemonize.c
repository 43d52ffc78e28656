/*
 * Becomes a daemon the classic way, and makes its threads there.  The process
 * that was started ends; the daemon lives on until an alarm ends it.
 */
#include <fcntl.h>

#include "target.h"

static pid_t fork_from(int to_close)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0 && to_close >= 0)
        close(to_close);
    return child;
}

int main(void)
{
    int up[2];
    char byte;

    CHECK(pipe(up) == 0);
    if (fork_from(up[0]) > 0) {
        close(up[1]);
        CHECK(read(up[0], &byte, 1) == 1);
        puts("the daemon is up");
        return 0;
    }
    CHECK(setsid() > 0);
    if (fork_from(-1) > 0)
        _exit(0);
    CHECK(chdir("/") == 0);
    int null = open("/dev/null", O_RDWR);
    CHECK(dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2);
    for (int fd = 3; fd < 1024; fd++)
        if (fd != up[1])
            close(fd);
    signal(SIGALRM, SIG_DFL);
    alarm(60);
    start(stay, NULL);
    await_ready(1);
    CHECK(write(up[1], "u", 1) == 1);
    close(up[1]);
    for (;;)
        pause();
}
