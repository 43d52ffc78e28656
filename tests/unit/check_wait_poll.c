/* Waits for several descriptors at once, for signals, times and processes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot_child.h"
#include "suite.h"
#include "wait_child.h"

/* ---- several at once ------------------------------------------------------------------------------- */

static void run_poll(void)
{
    int ends[2], event = eventfd(0, 0);
    if (pipe(ends) != 0)
        _exit(1);
    struct pollfd watched[] = {{ends[0], POLLIN, 0}, {-1, POLLIN, 0}, {event, POLLIN, 0}};
    child_report(ends[0]);
    child_report(event);
    waiter_ready();
    poll(watched, 3, -1);
}

START_TEST(poll_for_ever)
{
    child_begin(run_poll);
    sample("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO,
           text_of("poll: pipe %d, eventfd %d, no timeout", child_reported(0), child_reported(1)));
}
END_TEST

static void run_poll_timed(void)
{
    struct pollfd watched[5];
    for (int i = 0; i < 5; i++)
        watched[i] = (struct pollfd){eventfd(0, 0), POLLIN, 0};
    waiter_ready();
    poll(watched, 5, 100000);
}

START_TEST(poll_with_a_timeout)
{
    child_begin(run_poll_timed);
    sample("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, "poll: 5 eventfds, a timeout of 100 s");
}
END_TEST

static void run_ppoll(void)
{
    const struct timespec patience = {300, 0};
    struct pollfd watched = {eventfd(0, 0), POLLIN, 0};
    child_report(watched.fd);
    waiter_ready();
    ppoll(&watched, 1, &patience, NULL);
}

START_TEST(ppoll_has_its_timeout)
{
    child_begin(run_ppoll);
    sample("waiter", WAIT_POLL);
    /* The rest would only be known if the call had been interrupted. */
    expect(NULL, NULL, WAIT_TIMEOUT_YES, text_of("poll: eventfd %d, a timeout of 300 s", child_reported(0)));
}
END_TEST

static void run_select(void)
{
    fd_set in;
    struct timeval patience = {200, 0};
    int event = eventfd(0, 0);
    FD_ZERO(&in);
    FD_SET(event, &in);
    child_report(event);
    waiter_ready();
    select(event + 1, &in, NULL, NULL, &patience);
}

START_TEST(select_has_its_timeout)
{
    child_begin(run_select);
    sample("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_YES,
           text_of("select: eventfd %d, a timeout of 200 s", child_reported(0)));
}
END_TEST

static void run_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(0), ends[4];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends + 2) != 0)
        _exit(1);
    for (int i = 0; i < 3; i++)
        epoll_ctl(epoll, EPOLL_CTL_ADD, ends[i], &event);
    epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(0, 0), &event);
    child_report(epoll);
    waiter_ready();
    epoll_wait(epoll, &event, 1, -1);
}

START_TEST(epoll_of_several)
{
    child_begin(run_epoll);
    sample("waiter", WAIT_EPOLL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO,
           text_of("epoll %d: 1 eventfd, 3 sockets, no timeout", child_reported(0)));
    ck_assert_int_eq(seen->fd, child_reported(0));
}
END_TEST

static void run_empty_epoll(void)
{
    struct epoll_event event;
    int epoll = epoll_create1(0);
    child_report(epoll);
    waiter_ready();
    epoll_wait(epoll, &event, 1, 60000);
}

START_TEST(epoll_of_nothing)
{
    child_begin(run_empty_epoll);
    sample("waiter", WAIT_EPOLL);
    expect(NULL, NULL, WAIT_TIMEOUT_YES,
           text_of("epoll %d, which watches nothing, a timeout of 60 s", child_reported(0)));
}
END_TEST

/* ---- signals, time, processes ------------------------------------------------------------------------ */

static void wait_for_set(const sigset_t *set)
{
    int number;
    sigprocmask(SIG_BLOCK, set, NULL);
    waiter_ready();
    sigwait(set, &number);
}

static void run_sigwait(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    wait_for_set(&set);
}

static void run_sigwait_real_time(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (int number = 40; number <= 50; number++)
        sigaddset(&set, number);
    sigaddset(&set, 60);
    wait_for_set(&set);
}

static void run_sigwait_all(void)
{
    sigset_t set;
    sigfillset(&set);
    wait_for_set(&set);
}

static void run_sigwait_nearly_all(void)
{
    sigset_t set;
    sigfillset(&set);
    sigdelset(&set, SIGPIPE);
    sigdelset(&set, SIGSEGV);
    sigdelset(&set, 40);
    wait_for_set(&set);
}

static const struct signal_set {
    void (*run)(void);
    const char *expected;
} signal_sets[] = {
    {run_sigwait, "signal wait for SIGUSR1, SIGTERM, no timeout"},
    {run_sigwait_real_time, "signal wait for signals 40 to 50, signal 60, no timeout"},
    {run_sigwait_all, "signal wait for any signal, no timeout"},
    {run_sigwait_nearly_all, "signal wait for any signal but SIGSEGV, SIGPIPE, signal 40, no timeout"},
};

START_TEST(signals)
{
    child_begin(signal_sets[_i].run);
    sample("waiter", WAIT_SIGNAL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, signal_sets[_i].expected);
}
END_TEST

static void run_pause(void)
{
    waiter_ready();
    pause();
}

START_TEST(any_signal)
{
    child_begin(run_pause);
    sample("waiter", WAIT_SIGNAL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, "signal wait for any signal with a handler, no timeout");
}
END_TEST

static void run_sleep(void)
{
    waiter_ready();
    sleep(1000);
}

START_TEST(sleep_has_time_left)
{
    child_begin(run_sleep);
    sample("waiter", WAIT_SLEEP);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, NULL);
    if (access("/proc/self/sched", R_OK) == 0)
        expect_left(950, 1000, "sleep of 1000 s");
    else
        expect(NULL, NULL, WAIT_TIMEOUT_YES, "sleep of 1000 s");
}
END_TEST

static void run_nanosleep(void)
{
    const struct timespec time = {1000, 0};
    waiter_ready();
    nanosleep(&time, NULL);
}

START_TEST(sleep_of_unknown_rest)
{
    child_begin(run_nanosleep);
    sample("waiter", WAIT_SLEEP);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, "sleep of 1000 s");
}
END_TEST

static void run_sleep_until(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 70;
    waiter_ready();
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

START_TEST(sleep_until)
{
    child_begin(run_sleep_until);
    sample("waiter", WAIT_SLEEP);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, NULL);
    expect_left(30, 70, "sleep");
}
END_TEST

static void run_waitpid(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl_end_with_parent();
        named("worker");
        child_ready();
        pause_for_ever();
    }
    child_report(pid);
    wait_ready(1);
    waiter_ready();
    waitpid(pid, NULL, 0);
}

START_TEST(child_process)
{
    child = child_start(run_waitpid);
    wait_ready(2);
    sample("waiter", WAIT_OTHER);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("end of child process %d (worker)", child_reported(0)));
}
END_TEST

static void run_semop(void)
{
    struct sembuf down = {0, -1, 0};
    int set = semget(IPC_PRIVATE, 1, 0600);
    child_report(set);
    waiter_ready();
    semop(set, &down, 1);
}

START_TEST(system_v_semaphore)
{
    child_begin(run_semop);
    sample("waiter", WAIT_SEMAPHORE);
    semctl(child_reported(0), 0, IPC_RMID);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("System V semaphore set %d, no timeout", child_reported(0)));
}
END_TEST

static void run_msgrcv(void)
{
    struct {
        long type;
        char text[1];
    } message;
    int queue = msgget(IPC_PRIVATE, 0600);
    child_report(queue);
    waiter_ready();
    msgrcv(queue, &message, sizeof(message.text), 0, 0);
}

START_TEST(system_v_queue)
{
    child_begin(run_msgrcv);
    sample("waiter", WAIT_OTHER);
    msgctl(child_reported(0), IPC_RMID, NULL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("message of System V queue %d", child_reported(0)));
}
END_TEST

static void run_poll_of_nothing(void)
{
    struct pollfd watched[] = {{-1, POLLIN, 0}, {-1, POLLIN, 0}};
    waiter_ready();
    poll(watched, 2, -1);
}

START_TEST(poll_of_nothing)
{
    child_begin(run_poll_of_nothing);
    sample("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, "poll of no descriptors, no timeout");
}
END_TEST

static TCase *make_tests(void)
{
    TCase *tcase = tcase_create("descriptors");
    tcase_add_checked_fixture(tcase, NULL, wait_child_end);
    tcase_add_test(tcase, poll_for_ever);
    tcase_add_test(tcase, poll_with_a_timeout);
    tcase_add_test(tcase, ppoll_has_its_timeout);
    tcase_add_test(tcase, select_has_its_timeout);
    tcase_add_test(tcase, epoll_of_several);
    tcase_add_test(tcase, epoll_of_nothing);
    tcase_add_loop_test(tcase, signals, 0, sizeof(signal_sets) / sizeof(*signal_sets));
    tcase_add_test(tcase, any_signal);
    tcase_add_test(tcase, sleep_has_time_left);
    tcase_add_test(tcase, sleep_of_unknown_rest);
    tcase_add_test(tcase, sleep_until);
    tcase_add_test(tcase, child_process);
    tcase_add_test(tcase, system_v_semaphore);
    tcase_add_test(tcase, system_v_queue);
    tcase_add_test(tcase, poll_of_nothing);
    return tcase;
}

int main(void)
{
    return suite_run("wait_poll", make_tests());
}
