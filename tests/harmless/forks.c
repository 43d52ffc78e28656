/* fork and its handlers, vfork, posix_spawn, system, popen. */
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>

#include "harmless.h"

static void prepare_1(void)
{
    happened('1');
}
static void prepare_2(void)
{
    happened('2');
}
static void parent_1(void)
{
    happened('p');
}
static void parent_2(void)
{
    happened('P');
}
static void child_1(void)
{
    happened('c');
}
static void child_2(void)
{
    happened('C');
}

static void print_happenings(void)
{
    text_is("in the child", happenings(), "21cC");
}

TEST(fork_handlers)
{
    is("pthread_atfork", pthread_atfork(prepare_1, parent_1, child_1), 0);
    is("pthread_atfork", pthread_atfork(prepare_2, parent_2, child_2), 0);
    run_thread(nothing, NULL);
    text_is("child", status_of(print_happenings), "exit 0");
    text_is("in the parent", happenings(), "21pP");
}

static void create_in_child(void)
{
    is("thread of a handler in the child", (long)run_thread(nothing, (void *)3), 3);
}

TEST(fork_handler_creates)
{
    pthread_atfork(NULL, NULL, create_in_child);
    run_thread(nothing, NULL);
    text_is("child", status_of(prepare_1), "exit 0");
}

static pthread_t forker;

static void in_child_of_a_thread(void)
{
    is("same handle", !!pthread_equal(pthread_self(), forker), 1);
    is("tid is pid", own_tid() == getpid(), 1);
    is("tasks", count_tasks(), 1);
    is("thread of the child", (long)run_thread(nothing, (void *)3), 3);
    pthread_exit(NULL);
}

static void *fork_here(void *unused)
{
    forker = pthread_self();
    text_is("child", status_of(in_child_of_a_thread), "exit 0");
    return unused;
}

TEST(fork_in_a_thread)
{
    begin(wait_for_ever, NULL);
    is("value", (long)run_thread(fork_here, (void *)5), 5);
}

static void generations(void)
{
    static int depth;
    is("generation", depth, depth);
    run_thread(nothing, NULL);
    if (++depth < 4)
        text_is("child", status_of(generations), "exit 0");
}

TEST(fork_of_forks)
{
    generations();
}

static void fork_in_handler(int number)
{
    (void)number;
    pid_t pid = fork();
    if (pid == 0)
        _exit(7);
    int status = -1;
    waitpid(pid, &status, 0);
    happened(status == 7 << 8 ? 'f' : 'x');
}

TEST(fork_in_a_signal_handler)
{
    signal(SIGUSR1, fork_in_handler);
    raise(SIGUSR1);
    run_thread(nothing, NULL);
    raise(SIGUSR1);
    text_is("forks", happenings(), "ff");
}

static void pending_in_child(void)
{
    sigset_t pending, mask;
    sigpending(&pending);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    is("pending", sigismember(&pending, SIGUSR1), 0);
    is("blocked", sigismember(&mask, SIGUSR1), 1);
}

TEST(fork_and_signals)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    text_is("child", status_of(pending_in_child), "exit 0");
}

static void errno_in_child(void)
{
    is("errno", errno, 77);
}

TEST(fork_keeps_errno)
{
    run_thread(nothing, NULL);
    errno = 77;
    pid_t pid = fork();
    if (pid == 0) {
        errno_in_child();
        _exit(0);
    }
    errno_in_child();
    waitpid(pid, NULL, 0);
}

TEST(fork_without_handlers)
{
    pthread_atfork(prepare_1, parent_1, child_1);
    run_thread(nothing, NULL);
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(*happenings() ? 1 : 0);
    text_is("_Fork", status_of_pid(pid), "exit 0");
}

static void held_in_child(void)
{
    /* The thread that holds stdio's lock does not exist here. fork() takes it. */
    printf("printed in the child: 1\n");
    fflush(stdout);
}

static void *print_for_ever(void *unused)
{
    FILE *file = fopen("/dev/null", "w");
    for (;;) {
        fputc('x', file);
        free(malloc(100));
    }
    return unused;
}

TEST(fork_while_others_allocate)
{
    begin(print_for_ever, NULL);
    for (int i = 0; i < 20; i++)
        text_is("child", status_of(held_in_child), "exit 0");
}

/* ---- vfork and posix_spawn ------------------------------------------------------------------- */

static char shell[] = "/bin/sh";

TEST(vfork_and_exec)
{
    run_thread(nothing, NULL);
    pid_t pid = vfork();
    if (pid == 0) {
        execl(shell, "sh", "-c", "exit 5", NULL);
        _exit(9);
    }
    text_is("child", status_of_pid(pid), "exit 5");
    is("a thread of the parent", (long)run_thread(nothing, (void *)3), 3);
}

TEST(vfork_without_exec)
{
    run_thread(nothing, NULL);
    volatile int shared = 1;
    pid_t pid = vfork();
    if (pid == 0) {
        execl("/does/not/exist", "x", NULL);
        shared = errno;
        _exit(5);
    }
    is("it has our memory", shared, ENOENT);
    text_is("child", status_of_pid(pid), "exit 5");
}

static void *vfork_here(void *unused)
{
    pid_t pid = vfork();
    if (pid == 0)
        _exit(6);
    text_is("child", status_of_pid(pid), "exit 6");
    return unused;
}

TEST(vfork_in_a_thread)
{
    run_thread(vfork_here, NULL);
}

static const char *spawned(const char *command, const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *attr)
{
    pid_t pid;
    char *argv[] = {shell, "-c", (char *)command, NULL};
    int error = posix_spawn(&pid, shell, actions, attr, argv, environ);
    const char *status = error ? "" : status_of_pid(pid); /* before: it can print */
    is("posix_spawn", error, 0);
    return status;
}

TEST(spawn)
{
    run_thread(nothing, NULL);
    text_is("status", spawned("exit 5", NULL, NULL), "exit 5");
    pid_t pid = -5;
    char *argv[] = {"x", NULL};
    is("a program that does not exist", posix_spawn(&pid, "/does/not/exist", NULL, NULL, argv, environ),
       ENOENT);
    is("the pid is untouched", pid, -5);
    is("one that is not in PATH", posix_spawnp(&pid, "does-not-exist", NULL, NULL, argv, environ), ENOENT);
    is("a directory", posix_spawn(&pid, "/", NULL, NULL, argv, environ), EACCES);
    is("no child is left", waitpid(-1, NULL, 0) == -1 ? errno : 0, ECHILD);
}

TEST(spawn_with_actions)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, 1, 9);
    posix_spawn_file_actions_addclose(&actions, 0);
    posix_spawn_file_actions_addchdir_np(&actions, "/dev");
    text_is("status", spawned("echo in the new program: $PWD >&9; ! read line", &actions, NULL), "exit 0");
}

static const char *test_of(const char *line)
{
    static char command[256];
    snprintf(command, sizeof(command), "exec grep %s /proc/self/status", line);
    return command;
}

TEST(spawn_with_signals)
{
    sigset_t set;
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_setsigmask(&attr, &set);
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    run_thread(nothing, NULL);
    text_is("blocked", spawned(test_of("^SigBlk"), NULL, &attr), "exit 0");
    text_is("ignored", spawned(test_of("^SigIgn"), NULL, &attr), "exit 0");
}

TEST(system_returns_the_status)
{
    run_thread(nothing, NULL);
    is("of exit 5", system("exit 5"), 5 << 8);
    is("of a signal", system("kill -TERM $$"), SIGTERM);
    is("without a command", system(NULL) != 0, 1);
    errno = 77;
    is("one that works", system("true"), 0);
    is("errno", errno, 77);
    is("of a command that does not exist", system("exec 2>/dev/null; does-not-exist"), 127 << 8);
    is("signals ignored in it", system("grep ^SigIgn /proc/self/status"), 0);
}

TEST(popen_reads)
{
    char line[64] = "";
    FILE *file = popen("echo text; exit 3", "r");
    is("popen", file != NULL, 1);
    is("fgets", fgets(line, sizeof(line), file) != NULL, 1);
    text_is("line", line, "text\n");
    is("pclose", pclose(file), 3 << 8);
}

TEST(clone_of_a_process)
{
    run_thread(nothing, NULL);
    static char stack[65536] __attribute__((aligned(16)));
    pid_t pid = clone((int (*)(void *))(void *)getuid, stack + sizeof(stack), SIGCHLD, NULL);
    is("clone", pid > 0, 1);
    int status = -1;
    is("waitpid", waitpid(pid, &status, 0) == pid, 1);
    is("it ended by itself", WIFEXITED(status), 1);
}
