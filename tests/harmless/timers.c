/* Timers, and libc's own threads that they start. */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "harmless.h"

static sem_t event;
static pthread_t caller;
static size_t stack_size;

static void expired(union sigval value)
{
    pthread_attr_t attr;
    caller = pthread_self();
    pthread_getattr_np(caller, &attr);
    pthread_attr_getstacksize(&attr, &stack_size);
    happened((char)value.sival_int);
    sem_post(&event);
}

static timer_t timer_with(struct sigevent *how)
{
    timer_t timer = NULL;
    is("timer_create", timer_create(CLOCK_MONOTONIC, how, &timer), 0);
    return timer;
}

static void arm(timer_t timer, long after_ns, long each_ns)
{
    struct itimerspec at = {.it_value.tv_nsec = after_ns, .it_interval.tv_nsec = each_ns};
    is("timer_settime", timer_settime(timer, 0, &at, NULL), 0);
}

TEST(timer_thread_with_attributes)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1 << 19);
    struct sigevent how = {.sigev_notify = SIGEV_THREAD,
                           .sigev_value.sival_int = 'a',
                           .sigev_notify_function = expired,
                           .sigev_notify_attributes = &attr};
    arm(timer_with(&how), 1000000, 0);
    sem_wait(&event);
    is("stack of its thread", (long)stack_size, 1 << 19);
    is("it is another thread", !!pthread_equal(caller, pthread_self()), 0);
}

static void creates(union sigval value)
{
    happened((long)run_thread(nothing, (void *)3) == 3 ? 'c' : 'x');
    expired(value);
}

TEST(timer_thread_creates)
{
    struct sigevent how = {
        .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 'e', .sigev_notify_function = creates};
    arm(timer_with(&how), 1000000, 0);
    sem_wait(&event);
    text_is("a thread of its thread", happenings(), "ce");
}

TEST(timer_thread_again_and_again)
{
    struct sigevent how = {
        .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 'r', .sigev_notify_function = expired};
    timer_t timer = timer_with(&how);
    arm(timer, 1000000, 1000000);
    for (int i = 0; i < 5; i++)
        sem_wait(&event);
    is("timer_delete", timer_delete(timer), 0);
    is("it ran 5 times", strncmp(happenings(), "rrrrr", 5), 0);
}

static void in_child(void)
{
    struct sigevent how = {
        .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 'f', .sigev_notify_function = expired};
    timer_t timer = timer_with(&how);
    arm(timer, 1000000, 0);
    sem_wait(&event);
    /* Waits until glibc's helper thread has unlocked its list of timers: a child forked before cannot lock
     * it. */
    is("timer_delete", timer_delete(timer), 0);
    is("runs in a child", happenings()[strlen(happenings()) - 1] == 'f', 1);
}

TEST(timer_thread_in_a_child)
{
    in_child();
    text_is("child", status_of(in_child), "exit 0");
}

static siginfo_t seen;

static void see(int number, siginfo_t *info, void *unused)
{
    (void)number;
    (void)unused;
    seen = *info;
    sem_post(&event);
}

static void handle(int number)
{
    struct sigaction action = {.sa_sigaction = see, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(number, &action, NULL);
}

TEST(timer_signal)
{
    handle(SIGRTMIN + 3);
    struct sigevent how = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3, .sigev_value.sival_int = 99};
    run_thread(nothing, NULL);
    timer_t timer = timer_with(&how);
    arm(timer, 1000000, 0);
    sem_wait(&event);
    is("code", seen.si_code, SI_TIMER);
    is("value", seen.si_value.sival_int, 99);
    struct itimerspec left;
    is("timer_gettime", timer_gettime(timer, &left), 0);
    is("it is over", left.it_value.tv_sec + left.it_value.tv_nsec, 0);
    is("timer_delete", timer_delete(timer), 0);
    is("again", timer_delete(timer) == -1 ? errno : 0, EINVAL);
}

static _Atomic pid_t handler_tid;

static void see_tid(int number)
{
    (void)number;
    handler_tid = own_tid();
    sem_post(&event);
}

static void *arm_for_itself(void *unused)
{
    (void)unused;
    struct sigevent how = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    how._sigev_un._tid = own_tid();
    arm(timer_with(&how), 1000000, 0);
    while (!handler_tid)
        sleep_ms(1);
    return (void *)(long)(handler_tid == own_tid());
}

TEST(timer_signal_for_a_thread)
{
    signal(SIGUSR1, see_tid);
    is("its thread gets it", (long)run_thread(arm_for_itself, NULL), 1);
}

TEST(timer_overrun)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    struct sigevent how = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer = timer_with(&how);
    arm(timer, 100000, 100000);
    run_thread(nothing, NULL);
    sleep_ms(20);
    siginfo_t info;
    is("sigwaitinfo", sigwaitinfo(&set, &info), SIGUSR1);
    is("overruns", info.si_overrun > 0, 1);
}

static void ask_in_child(void)
{
    is("alarm in a child", (long)alarm(0), 0);
}

/* One is pending already: that of main.c. */
TEST(timer_alarm)
{
    run_thread(nothing, NULL);
    is("alarm returns what is left", alarm(1000) > 0, 1);
    is("and then", alarm(0) > 900, 1);
    is("none", (long)alarm(0), 0);
    alarm(1000);
    text_is("child", status_of(ask_in_child), "exit 0");
    handle(SIGALRM);
    struct itimerval at = {.it_value.tv_usec = 1000}, old;
    is("setitimer", setitimer(ITIMER_REAL, &at, &old), 0);
    is("it was the alarm", old.it_value.tv_sec > 900, 1);
    sem_wait(&event);
    is("SIGALRM", seen.si_signo, SIGALRM);
}

static void *arm_process_clock(void *unused)
{
    (void)unused;
    handle(SIGVTALRM);
    struct itimerval at = {.it_value.tv_usec = 1000};
    setitimer(ITIMER_VIRTUAL, &at, NULL);
    while (seen.si_signo != SIGVTALRM)
        ;
    return (void *)(long)seen.si_signo;
}

TEST(timer_of_cpu_time)
{
    is("signal", (long)run_thread(arm_process_clock, NULL), SIGVTALRM);
}

/* Where the kernel has no message queues, the lines are the same without the shim. */
TEST(timer_message_arrives)
{
    char name[32];
    snprintf(name, sizeof(name), "/harmless-%d", getpid());
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
    is("mq_open", queue != (mqd_t)-1, 1);
    if (queue == (mqd_t)-1)
        return;
    struct sigevent how = {
        .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 'm', .sigev_notify_function = expired};
    is("mq_notify", mq_notify(queue, &how), 0);
    is("mq_send", mq_send(queue, "message", 8, 0), 0);
    sem_wait(&event);
    text_is("a thread of libc ran", happenings(), "m");
    mq_unlink(name);
}
