#include "cli/run/child.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/compat.h"

/* All signals except those of faults, and those with which a terminal stops run and COMMAND. */
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
    /* If SIGCHLD were ignored, the kernel would discard the status of the child. */
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &usual, &child->sigchld_before);
}

static void release_signals(struct run_child *child)
{
    /* Signals that were sent while COMMAND ran were meant for COMMAND. */
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
    error_set(error, "cannot create a process: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        if (go[i] >= 0)
            close(go[i]);
        if (failed[i] >= 0)
            close(failed[i]);
    }
    return false;
}

/* A process that waits until COMMAND closes a pipe or lock must not wait for this one. Descriptors of run are
 * close-on-exec. */
static void close_inherited(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        int fd = atoi(entry->d_name);
        int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            close(fd);
    }
    closedir(directory);
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

/* The kernel sends its signals (a key on the terminal, a hang-up) to the whole process group. A process sends
 * a signal only to run. An alarm(2) from before the exec of run also reaches only run. */
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

bool run_child_wait(struct run_child *child, double seconds, int *status)
{
    sigset_t set = signals_to_hold();
    int64_t until = seconds > 0 ? (int64_t)now_ns() + (int64_t)(seconds * 1e9) : INT64_MAX;
    for (bool over = false;;) {
        siginfo_t ended = {.si_pid = 0}, info;
        if (waitid(P_PID, (id_t)child->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid) {
            *status = wait_status(&ended);
            return true;
        }
        if (over)
            return false;
        int64_t left = seconds > 0 ? until - (int64_t)now_ns() : INT64_MAX;
        over = left <= 0;
        struct timespec rest = {left / 1000000000, left % 1000000000};
        int signal = over ? 0 : seconds > 0 ? sigtimedwait(&set, &info, &rest) : sigwaitinfo(&set, &info);
        if (signal > 0 && signal != SIGCHLD)
            forward(child->pid, signal, &info);
    }
}

/* ---- after its end ----------------------------------------------------------------------- */

static uint64_t child_ended_ns;
static const char *volatile *given_up_files;
static size_t given_up_count;

static void give_up(int number)
{
    static const char line[] = "threadleak: run: no report: ended by a signal\n";
    int saved_errno = errno;
    if (now_ns() - child_ended_ns < RUN_CHILD_GRACE_S * UINT64_C(1000000000)) {
        errno = saved_errno;
        return;
    }
    for (size_t i = 0; i < given_up_count; i++)
        if (given_up_files[i])
            unlink(given_up_files[i]);
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
        errno = saved_errno;
    signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

/* Signals that end a program which has no handler for them. */
static void outlive_repeated_signals(const char *volatile *temporaries, size_t count)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};
    child_ended_ns = now_ns();
    given_up_files = temporaries;
    given_up_count = count;
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
        struct sigaction action;
        if (sigaction(ending[i], NULL, &action) != 0 || action.sa_handler != SIG_DFL)
            continue;
        action = (struct sigaction){.sa_handler = give_up, .sa_flags = SA_RESTART};
        sigaction(ending[i], &action, NULL);
    }
}

void run_child_end(struct run_child *child, const char *volatile *temporaries, size_t count)
{
    if (child->go >= 0)
        close(child->go);
    if (child->failed >= 0)
        close(child->failed);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    outlive_repeated_signals(temporaries, count);
    release_signals(child);
}
