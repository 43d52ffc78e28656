/* Calls that wait for events: polls, signals, children. See calls.h. */
#include "calls.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/wait.h>

enum { HOUR = 3600 };
static sigset_t none;

static void add_one(struct row *row)
{
    if (eventfd_write(row->a, 1) != 0)
        abort();
}

/* ---- polls ---- */

static struct pollfd of_event(struct row *row)
{
    row->a = eventfd(0, 0);
    return (struct pollfd){.fd = row->a, .events = POLLIN};
}

static long in_poll(struct row *row)
{
    struct pollfd watched = of_event(row);
    near(row);
    return poll(&watched, 1, -1);
}

static long in_poll_hour(struct row *row)
{
    struct pollfd watched = of_event(row);
    near(row);
    return poll(&watched, 1, HOUR * 1000);
}

static long in_poll_closed(struct row *row)
{
    struct pollfd watched = of_event(row);
    near(row);
    return poll(&watched, 1, -1);
}

static long in_ppoll(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    struct pollfd watched = of_event(row);
    near(row);
    return ppoll(&watched, 1, &hour, &none);
}

static long in_select(struct row *row)
{
    struct timeval hour = {HOUR, 0};
    fd_set in;
    row->a = eventfd(0, 0);
    FD_ZERO(&in);
    FD_SET(row->a, &in);
    near(row);
    return select(row->a + 1, &in, NULL, NULL, &hour);
}

static long in_pselect(struct row *row)
{
    fd_set in;
    row->a = eventfd(0, 0);
    FD_ZERO(&in);
    FD_SET(row->a, &in);
    near(row);
    return pselect(row->a + 1, &in, NULL, NULL, NULL, &none);
}

static int epoll_of_event(struct row *row)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fd = epoll_create1(0);
    row->a = eventfd(0, 0);
    epoll_ctl(fd, EPOLL_CTL_ADD, row->a, &event);
    return fd;
}

static long in_epoll_wait(struct row *row)
{
    struct epoll_event event;
    int fd = epoll_of_event(row);
    near(row);
    return epoll_wait(fd, &event, 1, -1);
}

static long in_epoll_wait_hour(struct row *row)
{
    struct epoll_event event;
    int fd = epoll_of_event(row);
    near(row);
    return epoll_wait(fd, &event, 1, HOUR * 1000);
}

static long in_epoll_pwait(struct row *row)
{
    struct epoll_event event;
    int fd = epoll_of_event(row);
    near(row);
    return epoll_pwait(fd, &event, 1, -1, &none);
}

/* ---- signals ---- */

static void send_signal(struct row *row)
{
    syscall(SYS_tgkill, getpid(), atomic_load(&row->tid), SIGRTMIN + row->b);
}

static sigset_t set_of(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static long in_sigwaitinfo(struct row *row)
{
    sigset_t set = set_of(SIGRTMIN + (row->b = 3));
    near(row);
    return sigwaitinfo(&set, NULL) == SIGRTMIN + 3 ? 0 : -1;
}

static long in_sigtimedwait(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    sigset_t set = set_of(SIGRTMIN + (row->b = 4));
    near(row);
    return sigtimedwait(&set, NULL, &hour) == SIGRTMIN + 4 ? 0 : -1;
}

static void handle(int signal)
{
    (void)signal;
}

static long in_sigsuspend(struct row *row)
{
    sigset_t all;
    signal(SIGRTMIN + (row->b = 5), handle);
    sigfillset(&all);
    sigdelset(&all, SIGRTMIN + 5);
    near(row);
    return sigsuspend(&all);
}

static long in_pause(struct row *row)
{
    sigset_t set = set_of(SIGRTMIN + (row->b = 6));
    signal(SIGRTMIN + 6, handle);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    near(row);
    return pause();
}

/* ---- children ---- */

static void end_child(struct row *row)
{
    kill(row->b, SIGKILL);
}

static long in_waitpid(struct row *row)
{
    row->b = fork();
    if (row->b == 0)
        for (;;)
            pause();
    near(row);
    return waitpid(row->b, NULL, 0) == row->b ? 0 : -1;
}

static long in_waitid(struct row *row)
{
    siginfo_t info;
    row->b = fork();
    if (row->b == 0)
        for (;;)
            pause();
    near(row);
    return waitid(P_PID, (id_t)row->b, &info, WEXITED);
}

static void close_it(struct row *row)
{
    close(row->a);
}

static struct row rows[] = {
    ROW(poll, add_one, 1),
    ROW(poll_hour, add_one, 1),
    HANGS(poll_closed, close_it),
    ROW(ppoll, add_one, 1),
    ROW(select, add_one, 1),
    ROW(pselect, add_one, 1),
    ROW(epoll_wait, add_one, 1),
    ROW(epoll_wait_hour, add_one, 1),
    ROW(epoll_pwait, add_one, 1),
    ROW(sigwaitinfo, send_signal, 0),
    ROW(sigtimedwait, send_signal, 0),
    {.name = "sigsuspend", .call = in_sigsuspend, .event = send_signal, .result = -1, .error = EINTR},
    {.name = "pause", .call = in_pause, .event = send_signal, .result = -1, .error = EINTR},
    ROW(waitpid, end_child, 0),
    ROW(waitid, end_child, 0),
};

int main(int argc, char **argv)
{
    sigset_t blocked;
    sigemptyset(&none);
    sigemptyset(&blocked);
    for (int i = 3; i <= 6; i++)
        sigaddset(&blocked, SIGRTMIN + i);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    return run_rows(rows, sizeof(rows) / sizeof(rows[0]), argc > 1 ? argv[1] : NULL);
}
