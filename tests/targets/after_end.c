/* What a thread that is still alive does after main has returned. Without the shim it does nothing: the
 * process is gone. The thread learns that the shim waits and reports from the kernel: the shim replaces
 * the handlers one after the other, and that of SIGRTMAX last.
 *
 *   after_end WHAT [read a line of standard input]    exit status 5 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* sigset, siginterrupt */
#include "target.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pty.h>
#include <spawn.h>
#include <sys/time.h>

extern char **environ;

static void die(int number)
{
    (void)number;
    dprintf(2, "a handler of the program ran\n");
    syscall(SYS_exit_group, 99);
}

static void await_end(void)
{
    struct {
        void (*handler)(int);
        unsigned long rest[8];
    } action;
    do
        CHECK(syscall(SYS_rt_sigaction, SIGRTMAX, NULL, &action, 8) == 0);
    while (action.handler == die);
}

static void kill_all(void)
{
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number != SIGKILL && number != SIGSTOP && (number < 32 || number > 33))
            kill(getpid(), number);
}

static void set_alarm(void)
{
    const struct itimerval soon = {{0, 0}, {0, 1}};
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0 && setitimer(ITIMER_PROF, &soon, NULL) == 0);
}

static void break_pipe(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
}

/* It has no effect, but the program sees what it has set. */
static void set_handlers(void)
{
    struct sigaction action = {.sa_handler = die}, old;
    CHECK(sigaction(SIGTERM, &action, &old) == 0 && old.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGTERM, NULL, &old) == 0 && old.sa_handler == die);
    CHECK(signal(SIGTERM, SIG_DFL) == die);
    CHECK(sigset(SIGALRM, die) == SIG_DFL && signal(SIGALRM, SIG_DFL) == die);
    CHECK(signal(SIGSEGV, SIG_DFL) == SIG_DFL && signal(SIGUSR1, SIG_DFL) == die);
    CHECK(sigaction(SIGKILL, &action, NULL) == -1 && errno == EINVAL);
    kill_all();
}

static void expect_death(pid_t child, int number)
{
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number);
}

static void make_children(void)
{
    static const int numbers[] = {SIGALRM, SIGTERM, SIGUSR2, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        pid_t child = fork();
        if (child == 0) {
            raise(numbers[i]);
            _exit(98);
        }
        expect_death(child, numbers[i]);
        child = vfork();
        if (child == 0) {
            syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid),
                    numbers[i] == SIGQUIT ? SIGKILL : numbers[i]);
            execl("/bin/sh", "sh", "-c", "kill -ALRM $$", NULL);
            _exit(97);
        }
        CHECK(child > 0 && waitpid(child, NULL, 0) == child);
    }
    pid_t child = forkpty(&(int){0}, NULL, NULL, NULL); /* calls fork() in libc */
    if (child == 0) {
        raise(SIGALRM);
        _exit(95);
    }
    expect_death(child, SIGALRM);
    char *argv[] = {"sh", "-c", "kill -ALRM $$; exit 96", NULL};
    CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ) == 0);
    expect_death(child, SIGALRM);
    if ((child = vfork()) == 0) {
        execv("/bin/sh", argv);
        _exit(97);
    }
    expect_death(child, SIGALRM);
}

static void fault(void)
{
    *(volatile int *)8 = 1;
}

static const char *what;

static void *act(void *arg)
{
    (void)arg;
    sem_post(&ready);
    await_end();
    if (strcmp(what, "kill") == 0)
        kill_all();
    else if (strncmp(what, "sig", 3) == 0)
        kill(getpid(), SIGUSR1);
    else if (strcmp(what, "alarm") == 0)
        set_alarm();
    else if (strcmp(what, "pipe") == 0)
        break_pipe();
    else if (strcmp(what, "set") == 0)
        set_handlers();
    else if (strcmp(what, "children") == 0)
        make_children();
    else if (strncmp(what, "fault", 5) == 0 || strcmp(what, "untracked") == 0)
        fault();
    else if (strcmp(what, "abort") == 0)
        abort();
    dprintf(2, "acted\n");
    while (strcmp(what, "stay") == 0) /* as if it could still end */
        sleep(1000);
    for (;;)
        pause();
    return NULL;
}

/* The lock is held for ever, as by a thread that is stopped in the middle of a call. */
static void *hold_stdout(void *arg)
{
    (void)arg;
    flockfile(stdout);
    sem_post(&ready);
    for (;;)
        pause();
    return NULL;
}

static void *allocate(void *arg)
{
    sem_post(&ready);
    for (size_t size = 1;; size = size * 7 % 100003)
        free(malloc(size));
    return arg;
}

static void *print(void *arg)
{
    sem_post(&ready);
    for (;;)
        puts("late");
    return arg;
}

static void *wait_for_signal(void *all)
{
    int number;
    siginfo_t info;
    sem_post(&ready);
    if (strcmp(what, "sigwait") == 0)
        sigwait(all, &number);
    else if (strcmp(what, "sigwaitinfo") == 0)
        sigwaitinfo(all, &info);
    else
        sigtimedwait(all, &info, &(struct timespec){100000, 0});
    dprintf(2, "a signal was received\n");
    for (;;)
        pause();
    return NULL;
}

/* Another thread sends the signal when the end has begun. */
static void wait_for_signals(void)
{
    static sigset_t all;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    start(wait_for_signal, &all);
    await_ready(1);
}

/* Libc's own pthread_create is not hooked. */
static void start_unseen(void *(*routine)(void *))
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    pthread_t thread;
    *(void **)&create = dlsym(dlopen("libc.so.6", RTLD_NOW), "pthread_create");
    CHECK(create(&thread, NULL, routine, NULL) == 0);
    await_ready(1);
}

static void read_a_line(void)
{
    char line[16];
    CHECK(fgets(line, sizeof(line), stdin));
}

int main(int argc, char **argv)
{
    CHECK(argc >= 2);
    what = argv[1];
    signal(SIGURG, die);
    signal(SIGUSR1, die);
    signal(SIGRTMIN + 3, die);
    signal(SIGRTMAX, die);
    if (strcmp(what, "fault_handled") == 0)
        signal(SIGSEGV, die);
    printf("done\n");
    if (argc > 2)
        read_a_line();
    if (strcmp(what, "print") == 0)
        fflush(stdout);
    void *(*routine)(void *) = strcmp(what, "stdout") == 0   ? hold_stdout
                               : strcmp(what, "malloc") == 0 ? allocate
                               : strcmp(what, "print") == 0  ? print
                                                             : act;
    if (strncmp(what, "sig", 3) == 0)
        wait_for_signals();
    if (strcmp(what, "untracked") == 0) {
        start_unseen(act);
        start(stay, NULL);
        return 5;
    }
    int count = routine == allocate ? 4 : 1;
    for (int i = 0; i < count; i++)
        start(routine, NULL);
    await_ready(count);
    if (strcmp(what, "cancelled") == 0)
        CHECK(pthread_cancel(pthread_self()) == 0); /* acts at the next cancellation point */
    return 5;
}
