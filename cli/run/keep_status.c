#include "cli/run/keep_status.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/cli.h"

static struct {
    bool armed;
    int status;
    pid_t kill_pid;
    const char *volatile *temporaries;
    size_t count;
} kept;

static void end(void)
{
    for (size_t i = 0; i < kept.count; i++)
        if (kept.temporaries[i])
            unlink(kept.temporaries[i]);
    if (kept.kill_pid > 0)
        kill(kept.kill_pid, SIGKILL);
    _exit(kept.status ? kept.status : STATUS_FAILED);
}

static void on_fault(int number)
{
    char line[] = "threadleak: run: no report: this program failed with signal NN; report this as a bug\n";
    char *digits = strstr(line, "NN");
    digits[0] = (char)('0' + number / 10 % 10);
    digits[1] = (char)('0' + number % 10);
    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    end();
}

static void on_early_exit(void)
{
    static const char line[] = "threadleak: run: no report: a library ended this program\n";
    if (!kept.armed)
        return;
    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    end();
}

void keep_status(int status, pid_t kill_pid, const char *volatile *temporaries, size_t count)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
    static char stack[16384]; /* the fault can be that of a full stack */
    if (!kept.armed)
        atexit(on_early_exit);
    kept.armed = true;
    kept.status = status;
    kept.kill_pid = kill_pid;
    kept.temporaries = temporaries;
    kept.count = count;
    /* A failed write is reported, or has no reader. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
#ifndef __SANITIZE_ADDRESS__ /* its own handlers print more */
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        sigaction(faults[i], &action, NULL);
#else
    (void)faults, (void)on_fault;
#endif
}

void keep_status_end(void)
{
    kept.armed = false;
}
