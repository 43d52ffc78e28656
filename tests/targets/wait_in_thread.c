/* A thread is in wait(-1) at the end: whatever it reaps there is not the reporter. */
#include <sys/prctl.h>

#include "target.h"

static void *reap(void *arg)
{
    sem_post(&ready);
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        dprintf(2, "reaped a child of status %d (%s)\n", status, pid < 0 ? "none" : "unknown");
    }
    return arg;
}

int main(void)
{
    int never[2];
    CHECK(pipe(never) == 0);
    /* A child that stays until we are gone, so that there is something to wait for. */
    if (fork() == 0) {
        char byte;
        close(never[1]);
        read(never[0], &byte, 1);
        _exit(0);
    }
    start(reap, NULL);
    await_ready(1);
    return 0;
}
