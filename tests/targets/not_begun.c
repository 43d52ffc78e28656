/* A thread that is created and, kept stopped at its birth by a tracer, never begins: it is reported once. */
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "target.h"

static _Noreturn void keep_newborn_stopped(pid_t parent, int report)
{
    int status;
    pid_t tid;
    bool held = ptrace(PTRACE_SEIZE, parent, NULL, PTRACE_O_TRACECLONE) == 0;
    CHECK(write(report, &held, sizeof(held)) == sizeof(held));
    while (held && (tid = waitpid(-1, &status, __WALL)) > 0) {
        if (tid != parent || !WIFSTOPPED(status))
            continue;
        if (status >> 16 == PTRACE_EVENT_CLONE) /* one is enough: the next may be the shim's own child */
            ptrace(PTRACE_SETOPTIONS, tid, NULL, 0);
        ptrace(PTRACE_CONT, tid, NULL, status >> 16 ? 0 : (long)WSTOPSIG(status));
    }
    _exit(0);
}

int main(void)
{
    int report[2];
    bool held = false;
    pid_t parent = getpid();
    CHECK(pipe(report) == 0);
    pid_t tracer = fork();
    if (tracer == 0)
        keep_newborn_stopped(parent, report[1]);
    prctl(PR_SET_PTRACER, tracer);
    CHECK(read(report[0], &held, sizeof(held)) == sizeof(held));
    if (!held)
        SKIP("no ptrace");
    start(stay, NULL);
    return 0;
}
