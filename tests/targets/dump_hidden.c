/* The handler of the dump signal: no function shows it, children without threads do not have it, and it stays
 * when the program sets the default action again. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* sigset, siginterrupt */
#include "target.h"

#include <spawn.h>

extern char **environ;
sighandler_t bsd_signal(int number, sighandler_t handler), ssignal(int number, sighandler_t handler);
sighandler_t __sysv_signal(int number, sighandler_t handler);

static void own(int number)
{
    (void)number;
}

/* What the kernel has. */
static void *handler_of(int number)
{
    struct {
        void *handler;
        unsigned long rest[8];
    } action;
    CHECK(syscall(SYS_rt_sigaction, number, NULL, &action, 8) == 0);
    return action.handler;
}

static void ask_all(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL}, old;
    CHECK(sigaction(SIGQUIT, NULL, &old) == 0 && old.sa_handler == SIG_DFL && old.sa_flags == 0);
    CHECK(sigaction(SIGQUIT, &action, &old) == 0 && old.sa_handler == SIG_DFL);
    CHECK(signal(SIGQUIT, SIG_DFL) == SIG_DFL && bsd_signal(SIGQUIT, SIG_DFL) == SIG_DFL);
    CHECK(ssignal(SIGQUIT, SIG_DFL) == SIG_DFL && sysv_signal(SIGQUIT, SIG_DFL) == SIG_DFL);
    CHECK(__sysv_signal(SIGQUIT, SIG_DFL) == SIG_DFL && sigset(SIGQUIT, SIG_DFL) == SIG_DFL);
    CHECK(siginterrupt(SIGQUIT, 1) == 0 && siginterrupt(SIGQUIT, 0) == 0);
    CHECK(signal(SIGQUIT, own) == SIG_DFL && handler_of(SIGQUIT) == (void *)own);
    CHECK(signal(SIGQUIT, SIG_IGN) == own && signal(SIGQUIT, SIG_DFL) == SIG_IGN);
}

static void expect_death(pid_t child)
{
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT);
}

static _Noreturn void quit_by_system_call(void)
{
    syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), SIGQUIT);
    syscall(SYS_exit_group, 3);
    _exit(3);
}

static void make_children(void)
{
    pid_t child = fork();
    if (child == 0) {
        CHECK(handler_of(SIGQUIT) == SIG_DFL);
        raise(SIGQUIT);
        _exit(3);
    }
    expect_death(child);
    if ((child = vfork()) == 0)
        quit_by_system_call();
    expect_death(child);
    if ((child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) == 0)
        quit_by_system_call();
    expect_death(child);
    char *argv[] = {"sh", "-c", "kill -QUIT $$; exit 3", NULL};
    CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ) == 0);
    expect_death(child);
}

static void child_with_a_thread(void *before)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        pthread_join(start(nothing, NULL), NULL);
        CHECK(handler_of(SIGQUIT) == before);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
    CHECK(handler_of(SIGQUIT) == SIG_DFL);
    pthread_join(start(nothing, NULL), NULL);
    void *handler = handler_of(SIGQUIT);
    ask_all();
    CHECK(handler_of(SIGQUIT) == handler);
    make_children();
    child_with_a_thread(handler);
    puts(handler == SIG_DFL ? "none" : "handler");
    return 0;
}
