#include "traced_target.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unwind_target.h"

pid_t traced;

bool traced_go(enum __ptrace_request how)
{
    int status;
    ck_assert_int_eq(ptrace(how, traced, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(traced, &status, __WALL), traced);
    return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

void traced_start(const char *target)
{
    traced = fork();
    if (traced == 0) {
        const char *path = target_path(target);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(traced, NULL, 0), traced);
}

void traced_start_steps(void)
{
    traced_start("unwind_steps");
    ck_assert(traced_go(PTRACE_CONT));
}

bool traced_is_breakpoint(uint64_t pc)
{
    unsigned char code = 0;
    struct iovec local = {&code, 1}, remote = {(void *)(uintptr_t)pc, 1};
    return process_vm_readv(traced, &local, 1, &remote, 1, 0) == 1 && code == 0xcc;
}

bool ends_with(const char *text, const char *end)
{
    size_t length = text ? strlen(text) : 0;
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}
