#include "run_child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not among them: what a fault of our own raises, and what stops us, since a
 * terminal's stop must stop us as well. */
static sigset_t signals_to_hold(void)
{
    static const int left_alone[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,  SIGTRAP,
                                     SIGABRT, SIGSYS, SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++)
        sigdelset(&set, left_alone[i]);
    return set;
}

static void hold_signals(struct run_child *child)
{
    sigset_t set = signals_to_hold();
    sigprocmask(SIG_BLOCK, &set, &child->mask_before);
    /* Ignored, it would take the child's status away. */
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &usual, &child->sigchld_before);
}

static void release_signals(struct run_child *child)
{
    /* What was sent while COMMAND ran was meant for it. */
    sigset_t set = signals_to_hold();
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0)
        ;
    sigprocmask(SIG_SETMASK, &child->mask_before, NULL);
}

static void wait_for_go_and_exec(struct run_child *child, int go, int failed, char *const argv[],
                                 char *const envp[])
{
    char byte;
    ssize_t got;
    while ((got = read(go, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (got == 1) {
        sigaction(SIGCHLD, &child->sigchld_before, NULL);
        sigprocmask(SIG_SETMASK, &child->mask_before, NULL);
        execvpe(argv[0], argv, envp);
        int error = errno;
        if (write(failed, &error, sizeof(error)) < 0)
            _exit(127);
    }
    _exit(127);
}

bool run_child_fork(struct run_child *child, char *const argv[], char *const envp[], struct error *error)
{
    int go[2] = {-1, -1}, failed[2] = {-1, -1};
    if (pipe2(go, O_CLOEXEC) < 0 || pipe2(failed, O_CLOEXEC) < 0)
        goto fail;
    hold_signals(child);
    child->pid = fork();
    if (child->pid == 0) {
        close(go[1]);
        close(failed[0]);
        wait_for_go_and_exec(child, go[0], failed[1], argv, envp);
    }
    if (child->pid < 0) {
        int saved = errno;
        release_signals(child);
        errno = saved;
        goto fail;
    }
    close(go[0]);
    close(failed[1]);
    child->go = go[1];
    child->failed = failed[0];
    return true;
fail:
    error_set(error, "no process can be made: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        if (go[i] >= 0)
            close(go[i]);
        if (failed[i] >= 0)
            close(failed[i]);
    }
    return false;
}

/* Whoever waits for the far end of a pipe or lock that COMMAND inherits must not
 * wait for us.  What is our own is close-on-exec. */
static void close_inherited(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        int fd = atoi(entry->d_name);
        int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            close(fd);
    }
    closedir(folder);
}

int run_child_exec(struct run_child *child)
{
    int error = 0;
    ssize_t got;
    /* SIGPIPE is blocked; the child may have been killed already. */
    if (write(child->go, "", 1) == 1)
        close_inherited();
    close(child->go);
    child->go = -1;
    while ((got = read(child->failed, &error, sizeof(error))) < 0 && errno == EINTR)
        ;
    close(child->failed);
    child->failed = -1;
    return got == (ssize_t)sizeof(error) ? error : 0;
}

/* The kernel's own (a key on the terminal, a hang-up) went to all of the process
 * group; what somebody sent went to us alone, and so does an alarm(2) that was
 * set before we were executed. */
static void forward(pid_t pid, int signal, const siginfo_t *info)
{
    if (info->si_code == SI_QUEUE)
        sigqueue(pid, signal, info->si_value);
    else if (info->si_code <= 0 || signal == SIGALRM)
        kill(pid, signal);
}

static int wait_status(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        return W_EXITCODE(info->si_status, 0);
    return info->si_status | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

int run_child_wait(struct run_child *child)
{
    sigset_t set = signals_to_hold();
    for (;;) {
        siginfo_t ended = {.si_pid = 0}, info;
        if (waitid(P_PID, (id_t)child->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid)
            return wait_status(&ended);
        int signal = sigwaitinfo(&set, &info);
        if (signal > 0 && signal != SIGCHLD)
            forward(child->pid, signal, &info);
    }
}

void run_child_end(struct run_child *child)
{
    if (child->go >= 0)
        close(child->go);
    if (child->failed >= 0)
        close(child->failed);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    release_signals(child);
}
