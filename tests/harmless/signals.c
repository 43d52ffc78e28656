/* Who gets a signal, and when: threads, waits, children, libc's own threads. */
#include <aio.h>
#include <semaphore.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "harmless.h"

static siginfo_t seen;

static void look(int number, siginfo_t *info, void *context)
{
    (void)number;
    seen = *info;
    happened(sigismember(&((ucontext_t *)context)->uc_sigmask, SIGHUP) == 1 ? 'b' : '-');
}

TEST(signal_information)
{
    struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMAX - 1, &action, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    is("sigqueue", sigqueue(getpid(), SIGRTMAX - 1, (union sigval){.sival_int = 44}), 0);
    is("value", seen.si_value.sival_int, 44);
    is("code", seen.si_code, SI_QUEUE);
    is("pid", seen.si_pid == getpid(), 1);
    text_is("mask of the context", happenings(), "b");
    is("pthread_sigqueue", pthread_sigqueue(pthread_self(), SIGRTMAX - 1, (union sigval){.sival_int = 45}),
       0);
    is("value", seen.si_value.sival_int, 45);
}

static sem_t blocked, sent;

static void on_first(int number)
{
    (void)number;
    happened('1');
}

static void *block_and_wait(void *how)
{
    sigset_t set, mask;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sem_post(&blocked);
    sem_wait(&sent);
    if (how)
        sigpending(&mask);
    else
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return (void *)(long)sigismember(&mask, SIGUSR1);
}

TEST(signal_for_a_thread)
{
    signal(SIGUSR1, on_first);
    pthread_t thread = begin(block_and_wait, &thread);
    sem_wait(&blocked);
    is("pthread_kill", pthread_kill(thread, SIGUSR1), 0);
    sem_post(&sent);
    is("pending there", (long)joined(thread), 1);
    text_is("and taken by nobody", happenings(), "");
}

TEST(signal_for_the_process)
{
    signal(SIGUSR1, on_first);
    pthread_t thread = begin(block_and_wait, NULL);
    sem_wait(&blocked);
    is("kill", kill(getpid(), SIGUSR1), 0);
    text_is("taken by main, which does not block it", happenings(), "1");
    sem_post(&sent);
    is("still blocked there", (long)joined(thread), 1);
}

TEST(signal_waits)
{
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    run_thread(nothing, NULL);
    int number = 0;
    siginfo_t info;
    raise(SIGQUIT);
    sigpending(&pending);
    is("pending", sigismember(&pending, SIGQUIT), 1);
    is("sigwait", sigwait(&set, &number), 0);
    is("signal", number, SIGQUIT);
    raise(SIGUSR1);
    is("sigwaitinfo", sigwaitinfo(&set, &info), SIGUSR1);
    is("of this process", info.si_pid == getpid(), 1);
    struct timespec soon = {0, 1000000};
    is("sigtimedwait", sigtimedwait(&set, NULL, &soon) == -1 ? errno : 0, EAGAIN);
    struct timespec wrong = {0, 1000000000};
    is("an impossible time", sigtimedwait(&set, NULL, &wrong) == -1 ? errno : 0, EINVAL);
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo read_info;
    raise(SIGQUIT);
    is("signalfd", read(fd, &read_info, sizeof(read_info)), sizeof(read_info));
    is("signal", read_info.ssi_signo, SIGQUIT);
}

TEST(signal_order)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGRTMIN + 2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 4; i++)
        sigqueue(getpid(), SIGRTMIN + 2 - i % 2, (union sigval){.sival_int = i});
    siginfo_t info;
    long order = 0;
    for (int i = 0; i < 4; i++)
        if (sigwaitinfo(&set, &info) > 0)
            order = order * 10 + info.si_value.sival_int;
    is("the lowest first, then the oldest", order, 1302);
}

/* Also those of faults: a program can wait for them, too. */
TEST(signals_stay_blocked_in_a_creation)
{
    static const int faults[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
    struct timespec now = {0, 0};
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        kill(getpid(), faults[i]);
    for (int i = 0; i < 40; i++)
        run_thread(nothing, NULL);
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        sigemptyset(&all);
        sigaddset(&all, faults[i]);
        is("waited for", sigtimedwait(&all, NULL, &now), faults[i]);
    }
}

static char alternate[65536];

static void where(int number)
{
    (void)number;
    char here;
    happened(&here >= alternate && &here < alternate + sizeof(alternate) ? 'a' : 'n');
    stack_t stack;
    sigaltstack(NULL, &stack);
    happened(stack.ss_flags == SS_ONSTACK ? 'o' : '-');
}

static void *handler_in_thread(void *unused)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    sigaltstack(&stack, NULL);
    raise(SIGUSR1);
    return unused;
}

TEST(signal_on_an_alternate_stack)
{
    struct sigaction action = {.sa_handler = where, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    run_thread(handler_in_thread, NULL);
    raise(SIGUSR1); /* main has none */
    text_is("in a thread that has one, and in main", happenings(), "aon-");
}

static void *creates(void *unused)
{
    return begin(nothing, unused) ? unused : NULL;
}

static void create_in_handler(int number)
{
    (void)number;
    pthread_t thread;
    happened(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0 ? 'c'
                                                                                                  : 'x');
}

TEST(signal_handler_creates)
{
    signal(SIGUSR1, create_in_handler);
    raise(SIGUSR1);
    run_thread(creates, NULL);
    raise(SIGUSR1);
    text_is("threads of handlers", happenings(), "cc");
}

static void *wait_for_exit_of_child(void *unused)
{
    (void)unused;
    pid_t pid = fork();
    if (pid == 0)
        _exit(6);
    int status = -1;
    waitpid(pid, &status, 0);
    return (void *)(long)status;
}

static void count_child(int number)
{
    (void)number;
    happened('c');
}

TEST(signal_of_children)
{
    signal(SIGCHLD, count_child);
    run_thread(nothing, NULL);
    is("a child of a thread", (long)run_thread(wait_for_exit_of_child, NULL), 6 << 8);
    text_is("SIGCHLD", happenings(), "c");
    is("no other child", waitpid(-1, NULL, 0) == -1 ? errno : 0, ECHILD);
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0)
        _exit(6);
    is("ignored: nothing to wait for", waitpid(pid, NULL, 0) == -1 ? errno : 0, ECHILD);
}

static void expired(union sigval value)
{
    happened((char)value.sival_int);
    sem_post(&sent);
}

TEST(signal_by_a_thread_of_libc)
{
    timer_t timer;
    struct sigevent how = {
        .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 't', .sigev_notify_function = expired};
    is("timer_create", timer_create(CLOCK_MONOTONIC, &how, &timer), 0);
    struct itimerspec at = {.it_value.tv_nsec = 1000000};
    is("timer_settime", timer_settime(timer, 0, &at, NULL), 0);
    sem_wait(&sent);
    text_is("it ran", happenings(), "t");
    is("timer_delete", timer_delete(timer), 0);
}

TEST(signal_by_asynchronous_input)
{
    int ends[2];
    char byte = 0;
    struct aiocb request = {.aio_buf = &byte,
                            .aio_nbytes = 1,
                            .aio_sigevent = {.sigev_notify = SIGEV_THREAD,
                                             .sigev_value.sival_int = 'r',
                                             .sigev_notify_function = expired}};
    is("pipe", pipe(ends), 0);
    request.aio_fildes = ends[0];
    is("aio_read", aio_read(&request), 0);
    is("write", write(ends[1], "x", 1), 1);
    sem_wait(&sent);
    is("read", byte, 'x');
    text_is("it ran", happenings(), "r");
}

TEST_ENDS(signal_kills, "signal 15")
{
    run_thread(nothing, NULL);
    raise(SIGTERM);
}

TEST_ENDS(signal_kills_without_a_thread, "signal 3")
{
    raise(SIGQUIT);
}

static void fault(void)
{
    run_thread(nothing, NULL);
    *(volatile int *)8 = 0;
}

TEST(signal_of_a_fault)
{
    text_is("child", status_of(fault), "signal 11");
}
