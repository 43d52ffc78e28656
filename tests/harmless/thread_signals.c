/* Signals and threads: masks, stops, waits, and handlers that jump. */
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/wait.h>

#include "harmless.h"

static sem_t ready, event;
static _Atomic pid_t tid;

static void note(int number)
{
    happened(number == SIGUSR1 ? '1' : number == SIGUSR2 ? '2' : 'o');
    sem_post(&event);
}

static void handle(int number, int flags)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = flags};
    sigaction(number, &action, NULL);
}

static sigset_t set_of(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

static void *give_mask(void *unused)
{
    (void)unused;
    sigset_t set = set_of(SIGUSR2), mask;
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return (void *)(long)(sigismember(&mask, SIGUSR1) * 10 + sigismember(&mask, SIGUSR2));
}

TEST(thread_signal_masks_are_apart)
{
    sigset_t set = set_of(SIGUSR1), mask;
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    is("of a thread: inherited and its own", (long)run_thread(give_mask, NULL), 11);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    is("of main", sigismember(&mask, SIGUSR1) * 10 + sigismember(&mask, SIGUSR2), 10);
    is("how 77", pthread_sigmask(77, &set, NULL), EINVAL);
}

static void *wait_for_signal(void *number)
{
    sigset_t set = set_of((int)(long)number);
    siginfo_t info;
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    tid = own_tid();
    sem_post(&ready);
    int got = sigwaitinfo(&set, &info);
    return (void *)(long)(got == (int)(long)number ? info.si_value.sival_int : -1);
}

TEST(thread_signal_with_a_value)
{
    pthread_t thread = begin(wait_for_signal, (void *)(long)(SIGRTMIN + 4));
    sem_wait(&ready);
    is("pthread_sigqueue", pthread_sigqueue(thread, SIGRTMIN + 4, (union sigval){.sival_int = 66}), 0);
    is("value", (long)joined(thread), 66);
    is("of no signal", pthread_sigqueue(pthread_self(), 0, (union sigval){0}), 0);
    is("of one that is none", pthread_sigqueue(pthread_self(), 65, (union sigval){0}), EINVAL);
}

TEST(thread_signal_for_one_of_many)
{
    sigset_t set = set_of(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_t threads[5];
    for (int i = 0; i < 5; i++)
        threads[i] = begin(wait_for_signal, (void *)SIGUSR1);
    for (int i = 0; i < 5; i++)
        sem_wait(&ready);
    for (int i = 0; i < 5; i++) {
        is("kill", kill(getpid(), SIGUSR1), 0);
        int before = 5 - i;
        while (count_tasks() > before) /* one of them has taken it, and ended */
            sleep_ms(1);
    }
    for (int i = 0; i < 5; i++)
        joined(threads[i]);
    is("all are gone", count_tasks(), 1);
}

static void *suspend(void *unused)
{
    (void)unused;
    sigset_t set = set_of(SIGUSR1), none, after;
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sem_post(&ready);
    sigemptyset(&none);
    int error = sigsuspend(&none) == -1 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    is("blocked again", sigismember(&after, SIGUSR1), 1);
    return (void *)(long)error;
}

TEST(thread_signal_suspends)
{
    handle(SIGUSR1, 0);
    pthread_t thread = begin(suspend, NULL);
    sem_wait(&ready);
    pthread_kill(thread, SIGUSR1);
    is("sigsuspend", (long)joined(thread), EINTR);
    text_is("handler", happenings(), "1");
}

static int ends[2];
static struct timespec left;

static void *read_byte(void *unused)
{
    (void)unused;
    char byte;
    tid = own_tid();
    return (void *)(long)(read(ends[0], &byte, 1) == 1 ? 0 : errno);
}

static void *poll_byte(void *unused)
{
    (void)unused;
    tid = own_tid();
    struct pollfd poll_fd = {.fd = ends[0], .events = POLLIN};
    return (void *)(long)(poll(&poll_fd, 1, -1) >= 0 ? 0 : errno);
}

static void *sleep_an_hour(void *unused)
{
    (void)unused;
    struct timespec hour = {3600, 0};
    tid = own_tid();
    return (void *)(long)(nanosleep(&hour, &left) == 0 ? 0 : errno);
}

/* One signal once it sleeps. */
static pthread_t signalled(void *(*routine)(void *), int flags)
{
    tid = 0;
    handle(SIGUSR1, flags);
    pthread_t thread = begin(routine, NULL);
    while (!tid)
        sleep_ms(1);
    await_asleep(tid);
    pthread_kill(thread, SIGUSR1);
    sem_wait(&event);
    return thread;
}

TEST(thread_signal_interrupts_a_call)
{
    is("pipe", pipe(ends), 0);
    is("read", (long)joined(signalled(read_byte, 0)), EINTR);
    is("poll", (long)joined(signalled(poll_byte, 0)), EINTR);
    is("poll with SA_RESTART", (long)joined(signalled(poll_byte, SA_RESTART)), EINTR);
    is("nanosleep", (long)joined(signalled(sleep_an_hour, SA_RESTART)), EINTR);
    is("what is left of it", left.tv_sec > 3000, 1);
}

TEST(thread_signal_restarts_a_call)
{
    is("pipe", pipe(ends), 0);
    pthread_t thread = signalled(read_byte, SA_RESTART);
    is("write", write(ends[1], "x", 1), 1);
    is("read", (long)joined(thread), 0);
}

static void *spin_or_stop(void *unused)
{
    sem_post(&ready);
    for (;;)
        pause();
    return unused;
}

static void stops(void)
{
    begin(spin_or_stop, NULL);
    raise(SIGSTOP);
    _exit(5);
}

TEST(thread_signal_stops_all)
{
    run_thread(nothing, NULL);
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        stops();
    is("stopped", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), 1);
    is("by", WSTOPSIG(status), SIGSTOP);
    kill(pid, SIGCONT);
    is("continued", waitpid(pid, &status, WCONTINUED) == pid, 1);
    if (WIFCONTINUED(status))
        waitpid(pid, &status, 0);
    text_is("child", status_text(status), "exit 5");
}

static sigjmp_buf back;

static void jump(int number)
{
    siglongjmp(back, number);
}

static void *fault_and_go_on(void *unused)
{
    sigset_t mask;
    for (int i = 0; i < 3; i++) {
        int number = sigsetjmp(back, 1);
        if (!number)
            *(volatile int *)8 = 1;
        is("fault", number, SIGSEGV);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    is("SIGSEGV is blocked", sigismember(&mask, SIGSEGV), 0);
    is("a thread of it", (long)run_thread(nothing, (void *)3), 3);
    return unused;
}

TEST(thread_signal_of_a_fault)
{
    struct sigaction action = {.sa_handler = jump};
    sigaction(SIGSEGV, &action, NULL);
    is("value", (long)run_thread(fault_and_go_on, (void *)4), 4);
}

static void *fault_address;

static void see_address(int number, siginfo_t *info, void *unused)
{
    (void)unused;
    fault_address = info->si_addr;
    siglongjmp(back, number);
}

static void *fault_once(void *unused)
{
    if (!sigsetjmp(back, 1))
        *(volatile int *)64 = 1;
    return unused;
}

TEST(thread_signal_has_the_address)
{
    struct sigaction action = {.sa_sigaction = see_address, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    run_thread(fault_once, NULL);
    is("address", (long)fault_address, 64);
}

static void *write_to_nobody(void *unused)
{
    (void)unused;
    return (void *)(long)(write(ends[1], "x", 1) == -1 ? errno : 0);
}

TEST(thread_signal_of_a_pipe)
{
    handle(SIGPIPE, 0);
    is("pipe", pipe(ends), 0);
    close(ends[0]);
    is("write in a thread", (long)run_thread(write_to_nobody, NULL), EPIPE);
    text_is("handler", happenings(), "o");
}

TEST(thread_signal_children_that_nobody_waits_for)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_NOCLDWAIT}, old;
    sigaction(SIGCHLD, &action, NULL);
    run_thread(nothing, NULL);
    sigaction(SIGCHLD, NULL, &old);
    is("the flag is kept", !!(old.sa_flags & SA_NOCLDWAIT), 1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    is("nothing to wait for", waitpid(pid, NULL, 0) == -1 ? errno : 0, ECHILD);
}

TEST(thread_signal_descriptor)
{
    sigset_t set = set_of(SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    run_thread(nothing, NULL);
    raise(SIGUSR2);
    is("in a thread it is not pending", (long)run_thread(give_mask, NULL) % 10, 1);
    struct timespec none = {0, 0};
    is("sigtimedwait without a time", sigtimedwait(&set, NULL, &none), SIGUSR2);
    is("once", sigtimedwait(&set, NULL, &none) == -1 ? errno : 0, EAGAIN);
}

static void nested(int number)
{
    happened(number == SIGUSR1 ? '(' : '[');
    if (number == SIGUSR1)
        raise(SIGUSR2);
    happened(number == SIGUSR1 ? ')' : ']');
}

TEST(thread_signal_mask_of_a_handler)
{
    struct sigaction action = {.sa_handler = nested};
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR2, &action, NULL);
    run_thread(nothing, NULL);
    raise(SIGUSR1);
    text_is("blocked until its end", happenings(), "()[]");
}

static _Atomic pid_t finished;

static void *finish(void *value)
{
    finished = own_tid();
    return value;
}

/* Since glibc 2.34: 0 until it is joined. */
TEST(thread_signal_for_a_finished_one)
{
    handle(SIGUSR1, 0);
    pthread_t thread = begin(finish, (void *)6);
    while (!finished)
        sleep_ms(1);
    await_ended(finished);
    int error = pthread_kill(thread, SIGUSR1);
    is("pthread_kill", error == 0 || error == ESRCH, 1);
    text_is("nobody gets it", happenings(), "");
    is("value", (long)joined(thread), 6);
}
