/* exec: what a new program inherits. The program is this one, with a test that only exec reaches. */
#include <fcntl.h>

#include "harmless.h"

static char self[] = "/proc/self/exe";

static void print_number(const char *what, const char *name)
{
    const char *value = getenv(name);
    is(what, value && atol(value) == getpid(), 1);
}

/* The other end of execs. */
TEST(exec_target)
{
    if (!getenv("HARMLESS_PID"))
        return;
    print_number("pid is the same", "HARMLESS_PID");
    is("tasks", count_tasks(), 1);
    sigset_t mask, pending;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    is("blocked", sigismember(&mask, SIGUSR1), 1);
    is("pending", sigismember(&pending, SIGUSR1), 1);
    struct sigaction action;
    sigaction(SIGUSR2, NULL, &action);
    is("what had a handler", action.sa_handler == SIG_DFL, 1);
    sigaction(SIGQUIT, NULL, &action);
    is("what was ignored", action.sa_handler == SIG_IGN, 1);
    stack_t stack;
    sigaltstack(NULL, &stack);
    is("alternate stack", stack.ss_flags, SS_DISABLE);
    is("lowest descriptor", dup(1), 3);
    is("errno", errno, 0);
}

static void handle(int number)
{
    (void)number;
}

static void prepare(void)
{
    static char memory[65536], pid[32];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
    sigaltstack(&stack, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    signal(SIGUSR2, handle);
    signal(SIGQUIT, SIG_IGN);
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    fcntl(open("/", O_RDONLY), F_SETFD, FD_CLOEXEC);
    snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("HARMLESS_PID", pid, 1);
}

TEST(exec_by_execv)
{
    prepare();
    execv(self, (char *[]){"harmless", "-1", "exec_target", NULL});
}

TEST(exec_with_threads)
{
    prepare();
    begin(wait_for_ever, NULL);
    execl(self, "harmless", "-1", "exec_target", NULL);
}

static void *exec_here(void *unused)
{
    execlp(self, "harmless", "-1", "exec_target", NULL);
    return unused;
}

TEST(exec_in_a_thread)
{
    prepare();
    begin(wait_for_ever, NULL);
    run_thread(exec_here, NULL);
}

TEST(exec_by_descriptor)
{
    prepare();
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    begin(wait_for_ever, NULL);
    fexecve(fd, (char *[]){"harmless", "-1", "exec_target", NULL}, environ);
}

TEST(exec_at)
{
    prepare();
    execveat(AT_FDCWD, self, (char *[]){"harmless", "-1", "exec_target", NULL}, environ, 0);
}

TEST(exec_without_environment)
{
    begin(wait_for_ever, NULL);
    execle("/bin/sh", "sh", "-c",
           "echo variables: $A${LD_PRELOAD-none}$(cat /proc/self/environ | tr -d '\\0')", NULL,
           (char *[]){"A=1", NULL});
}

static char *huge(void)
{
    size_t size = 8 << 20;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = 0;
    return text;
}

TEST(exec_fails)
{
    pthread_t thread = begin(wait_for_ever, NULL);
    char *argv[] = {"x", NULL};
    is("execv", execv("/does/not/exist", argv), -1);
    is("errno", errno, ENOENT);
    is("a directory", execv("/", argv) ? errno : 0, EACCES);
    is("no program", execv("/etc/passwd", argv) ? errno : 0, EACCES);
    is("a program below a file", execv("/etc/passwd/x", argv) ? errno : 0, ENOTDIR);
    is("an empty name", execvp("", argv) ? errno : 0, ENOENT);
    is("a descriptor that is none", fexecve(999, argv, environ) ? errno : 0, EBADF);
    argv[0] = huge();
    is("an argument of 8 MiB", execv("/bin/true", argv) ? errno : 0, E2BIG);
    is("the thread lives", pthread_tryjoin_np(thread, NULL), EBUSY);
    pthread_cancel(thread);
    joined(thread);
}

TEST(exec_fails_in_a_child)
{
    begin(wait_for_ever, NULL);
    extern void exec_nothing(void);
    text_is("child", status_of(exec_nothing), "exit 0");
}

void exec_nothing(void);
void exec_nothing(void)
{
    is("execv", execv("/does/not/exist", (char *[]){"x", NULL}) ? errno : 0, ENOENT);
}
