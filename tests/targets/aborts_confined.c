/* abort() in children, under limits, and in a sandbox. See aborts.h. */
#include "aborts.h"

#include <sys/resource.h>

#include "sandbox.h"

static void end_as(pid_t child)
{
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    syscall(SYS_exit_group, WTERMSIG(status));
}

static void in_child(void)
{
    keep_threads();
    pid_t child = fork();
    if (child == 0)
        give_up();
    end_as(child);
}

static void in_child_with_threads(void)
{
    keep_threads();
    pid_t child = fork();
    if (child == 0) {
        keep_threads();
        give_up();
    }
    end_as(child);
}

static void in_vfork_child(void)
{
    keep_threads();
    pid_t child = vfork();
    if (child == 0)
        give_up();
    end_as(child);
}

static void *fork_for_ever(void *arg)
{
    sem_post(&ready);
    for (;;) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0)
            waitpid(child, NULL, 0);
    }
    return arg;
}

static void fork_storm(void)
{
    start(fork_for_ever, NULL);
    start(fork_for_ever, NULL);
    await_ready(2);
    give_up();
}

static void limit(int resource, rlim_t value)
{
    const struct rlimit wanted = {value, value};
    CHECK(setrlimit(resource, &wanted) == 0);
}

static void no_descriptors(void)
{
    keep_threads();
    limit(RLIMIT_NOFILE, 0);
    give_up();
}

static void no_memory(void)
{
    keep_threads();
    limit(RLIMIT_AS, 1);
    give_up();
}

static void closed_stderr(void)
{
    keep_threads();
    CHECK(close(2) == 0);
    give_up();
}

/* It allows what libc needs to abort. */
static void sandbox(void)
{
    keep_threads();
    ENTER_SANDBOX(ALLOW(write), ALLOW(futex), ALLOW(getpid), ALLOW(gettid), ALLOW(tgkill),
                  ALLOW(rt_sigprocmask), ALLOW(rt_sigaction), ALLOW(rt_sigreturn), ALLOW(restart_syscall),
                  OTHERS(SECCOMP_RET_KILL_PROCESS));
    give_up();
}

static const struct way ways[] = {
    WAY(in_child),  WAY(in_child_with_threads), WAY(in_vfork_child), WAY(fork_storm), WAY(no_descriptors),
    WAY(no_memory), WAY(closed_stderr),         WAY(sandbox),
};

int main(int argc, char **argv)
{
    return run_way(ways, sizeof(ways) / sizeof(*ways), argc, argv);
}
