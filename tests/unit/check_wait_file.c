/* Waits for descriptors, signals, times and processes. */
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
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot_child.h"
#include "suite.h"
#include "wait_child.h"

/* Numbers that texts have in them, told by the child: the next ones of `result`. */
static void tell(int number)
{
    shared->result[atomic_fetch_add(&shared->extra, 1)] = number;
}

static int told(int index)
{
    return atomic_load(&shared->result[index]);
}

__attribute__((format(printf, 1, 2))) static const char *text_of(const char *format, ...)
{
    static char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return text;
}

static void stay(void)
{
    for (;;)
        pause();
}

/* The main thread's own name, once what it tells is told. */
static void ready(void)
{
    named("waiter");
    child_ready();
}

static void begin(void (*run)(void))
{
    child = child_start(run);
    wait_ready(1);
}

static void read_byte(int fd)
{
    char c;
    ready();
    if (read(fd, &c, 1) < 0)
        _exit(1);
}

/* ---- pipes ------------------------------------------------------------------------------- */

static void run_pipe(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    tell(ends[0]);
    tell(ends[1]);
    read_byte(ends[0]);
}

START_TEST(pipe_of_this_process_alone)
{
    begin(run_pipe);
    look("waiter", WAIT_PIPE);
    expect(NULL, NULL, WAIT_TIMEOUT_NO,
           text_of("read of pipe %d, whose writing end only this process holds (descriptor %d)", told(0),
                   told(1)));
    ck_assert_int_eq(seen->fd, told(0));
}
END_TEST

static void run_pipe_shared(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    tell(ends[0]);
    pid_t pid = fork();
    if (pid == 0) {
        prctl_end_with_parent();
        named("cat");
        child_ready();
        stay();
    }
    tell(pid);
    close(ends[1]);
    wait_ready(1);
    read_byte(ends[0]);
}

START_TEST(pipe_of_another_process)
{
    child = child_start(run_pipe_shared);
    wait_ready(2);
    look("waiter", WAIT_PIPE);
    expect(NULL, NULL, WAIT_TIMEOUT_NO,
           text_of("read of pipe %d, whose writing end is held by process %d (cat)", told(0), told(1)));
}
END_TEST

static void run_full_pipe(void)
{
    static char bytes[1 << 20];
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    tell(ends[0]);
    tell(ends[1]);
    ready();
    /* What was written in part before a stop returns. */
    while (write(ends[1], bytes, sizeof(bytes)) > 0)
        ;
}

START_TEST(pipe_that_is_full)
{
    begin(run_full_pipe);
    look("waiter", WAIT_PIPE);
    expect(NULL, NULL, WAIT_TIMEOUT_NO,
           text_of("write to pipe %d, whose reading end only this process holds (descriptor %d)", told(1),
                   told(0)));
}
END_TEST

static char fifo[64];

static void run_fifo(void)
{
    ready();
    if (open(fifo, O_RDONLY) < 0)
        _exit(1);
}

START_TEST(fifo_that_nobody_opens)
{
    snprintf(fifo, sizeof(fifo), "/tmp/check_wait.%d", (int)getpid());
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    begin(run_fifo);
    look("waiter", WAIT_PIPE);
    unlink(fifo);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("open of pipe %s", fifo));
}
END_TEST

/* ---- sockets -------------------------------------------------------------------------------- */

static void run_socketpair(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        _exit(1);
    tell(ends[0]);
    tell(ends[1]);
    read_byte(ends[0]);
}

START_TEST(socket_pair)
{
    begin(run_socketpair);
    look("waiter", WAIT_SOCKET);
    expect(NULL, NULL, WAIT_TIMEOUT_UNKNOWN,
           text_of("read of socket %d (Unix stream), whose other end only this process holds (descriptor %d)",
                   told(0), told(1)));
}
END_TEST

static int listen_tcp(struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)address, sizeof(*address)) != 0 || listen(fd, 5) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &length) != 0)
        _exit(1);
    return fd;
}

static void run_accept(void)
{
    struct sockaddr_in address;
    int fd = listen_tcp(&address);
    tell(fd);
    tell(ntohs(address.sin_port));
    ready();
    accept(fd, NULL, NULL);
}

START_TEST(tcp_accept)
{
    begin(run_accept);
    look("waiter", WAIT_SOCKET);
    expect(NULL, NULL, WAIT_TIMEOUT_UNKNOWN,
           text_of("accept on socket %d (TCP listening on 127.0.0.1:%d)", told(0), told(1)));
}
END_TEST

static void run_tcp(void)
{
    struct sockaddr_in address, mine;
    socklen_t length = sizeof(mine);
    int fd = listen_tcp(&address), to = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(to, (struct sockaddr *)&address, sizeof(address)) != 0)
        _exit(1);
    int from = accept(fd, NULL, NULL);
    getsockname(to, (struct sockaddr *)&mine, &length);
    tell(from);
    tell(ntohs(address.sin_port));
    tell(ntohs(mine.sin_port));
    tell(to);
    read_byte(from);
}

START_TEST(tcp_connection)
{
    begin(run_tcp);
    look("waiter", WAIT_SOCKET);
    expect(NULL, NULL, WAIT_TIMEOUT_UNKNOWN,
           text_of("read of socket %d (TCP 127.0.0.1:%d to 127.0.0.1:%d), whose other end only this process "
                   "holds (descriptor %d)",
                   told(0), told(1), told(2), told(3)));
}
END_TEST

/* ---- other descriptors -------------------------------------------------------------------------- */

static void run_eventfd(void)
{
    int fd = eventfd(0, 0);
    tell(fd);
    uint64_t value;
    ready();
    if (read(fd, &value, sizeof(value)) < 0)
        _exit(1);
}

START_TEST(event_descriptor)
{
    begin(run_eventfd);
    look("waiter", WAIT_FILE);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("read of eventfd %d", told(0)));
}
END_TEST

static char locked[64];

static void hold_lock(bool by_flock)
{
    int fd = open(locked, O_RDWR | O_CREAT, 0600);
    struct flock lock = {.l_type = F_WRLCK};
    if (fd < 0 || (by_flock ? flock(fd, LOCK_EX) : fcntl(fd, F_SETLK, &lock)) != 0)
        _exit(1);
    pid_t pid = fork();
    if (pid) {
        tell(pid);
        named("keeper");
        child_ready();
        stay();
    }
    prctl_end_with_parent();
    wait_ready(1);
    tell(getpid());
    fd = open(locked, O_RDWR);
    tell(fd);
    ready();
    if (by_flock)
        flock(fd, LOCK_EX);
    else
        fcntl(fd, F_SETLKW, &lock);
}

static void run_flock(void)
{
    hold_lock(true);
}

static void run_fcntl(void)
{
    hold_lock(false);
}

START_TEST(file_lock)
{
    snprintf(locked, sizeof(locked), "/tmp/check_wait.lock.%d", (int)getpid());
    pid_t keeper = child_start(_i ? run_fcntl : run_flock);
    wait_ready(2);
    child = told(1);
    look("waiter", WAIT_FILE);
    unlink(locked);
    expect(NULL, NULL, WAIT_TIMEOUT_NO,
           text_of("lock of file %d (%s), held by process %d (keeper)", told(2), locked, (int)keeper));
    child = keeper;
}
END_TEST

/* ---- several at once ------------------------------------------------------------------------------- */

static void run_poll(void)
{
    int ends[2], event = eventfd(0, 0);
    if (pipe(ends) != 0)
        _exit(1);
    struct pollfd watched[] = {{ends[0], POLLIN, 0}, {-1, POLLIN, 0}, {event, POLLIN, 0}};
    tell(ends[0]);
    tell(event);
    ready();
    poll(watched, 3, -1);
}

START_TEST(poll_for_ever)
{
    begin(run_poll);
    look("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("poll: pipe %d, eventfd %d, no timeout", told(0), told(1)));
}
END_TEST

static void run_poll_timed(void)
{
    struct pollfd watched[5];
    for (int i = 0; i < 5; i++)
        watched[i] = (struct pollfd){eventfd(0, 0), POLLIN, 0};
    ready();
    poll(watched, 5, 100000);
}

START_TEST(poll_with_a_timeout)
{
    begin(run_poll_timed);
    look("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, "poll: 5 eventfds, a timeout of 100 s");
}
END_TEST

static void run_ppoll(void)
{
    const struct timespec patience = {300, 0};
    struct pollfd watched = {eventfd(0, 0), POLLIN, 0};
    tell(watched.fd);
    ready();
    ppoll(&watched, 1, &patience, NULL);
}

START_TEST(ppoll_has_time_left)
{
    begin(run_ppoll);
    look("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, NULL);
    expect_left(250, 300, text_of("poll: eventfd %d", told(0)));
}
END_TEST

static void run_select(void)
{
    fd_set in;
    struct timeval patience = {200, 0};
    int event = eventfd(0, 0);
    FD_ZERO(&in);
    FD_SET(event, &in);
    tell(event);
    ready();
    select(event + 1, &in, NULL, NULL, &patience);
}

START_TEST(select_has_time_left)
{
    begin(run_select);
    look("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, NULL);
    expect_left(150, 200, text_of("select: eventfd %d", told(0)));
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
    tell(epoll);
    ready();
    epoll_wait(epoll, &event, 1, -1);
}

START_TEST(epoll_of_several)
{
    begin(run_epoll);
    look("waiter", WAIT_EPOLL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("epoll %d: 1 eventfd, 3 sockets, no timeout", told(0)));
    ck_assert_int_eq(seen->fd, told(0));
}
END_TEST

static void run_empty_epoll(void)
{
    struct epoll_event event;
    int epoll = epoll_create1(0);
    tell(epoll);
    ready();
    epoll_wait(epoll, &event, 1, 60000);
}

START_TEST(epoll_of_nothing)
{
    begin(run_empty_epoll);
    look("waiter", WAIT_EPOLL);
    expect(NULL, NULL, WAIT_TIMEOUT_YES,
           text_of("epoll %d, which watches nothing, a timeout of 60 s", told(0)));
}
END_TEST

/* ---- signals, time, processes ------------------------------------------------------------------------ */

static void run_sigwait(void)
{
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    ready();
    sigwait(&set, &number);
}

START_TEST(signals)
{
    begin(run_sigwait);
    look("waiter", WAIT_SIGNAL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, "signal wait for SIGUSR1, SIGTERM, no timeout");
}
END_TEST

static void run_pause(void)
{
    ready();
    pause();
}

START_TEST(any_signal)
{
    begin(run_pause);
    look("waiter", WAIT_SIGNAL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, "signal wait for any signal with a handler, no timeout");
}
END_TEST

static void run_sleep(void)
{
    ready();
    sleep(1000);
}

START_TEST(sleep_has_time_left)
{
    begin(run_sleep);
    look("waiter", WAIT_SLEEP);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, NULL);
    expect_left(950, 1000, "sleep");
}
END_TEST

static void run_nanosleep(void)
{
    const struct timespec time = {1000, 0};
    ready();
    nanosleep(&time, NULL);
}

START_TEST(sleep_of_unknown_rest)
{
    begin(run_nanosleep);
    look("waiter", WAIT_SLEEP);
    expect(NULL, NULL, WAIT_TIMEOUT_YES, "sleep of 1000 s");
}
END_TEST

static void run_sleep_until(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 70;
    ready();
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

START_TEST(sleep_until)
{
    begin(run_sleep_until);
    look("waiter", WAIT_SLEEP);
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
        stay();
    }
    tell(pid);
    wait_ready(1);
    ready();
    waitpid(pid, NULL, 0);
}

START_TEST(child_process)
{
    child = child_start(run_waitpid);
    wait_ready(2);
    look("waiter", WAIT_OTHER);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("end of child process %d (worker)", told(0)));
}
END_TEST

static void run_semop(void)
{
    struct sembuf down = {0, -1, 0};
    int set = semget(IPC_PRIVATE, 1, 0600);
    tell(set);
    ready();
    semop(set, &down, 1);
}

START_TEST(system_v_semaphore)
{
    begin(run_semop);
    look("waiter", WAIT_SEMAPHORE);
    semctl(told(0), 0, IPC_RMID);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, text_of("System V semaphore set %d, no timeout", told(0)));
}
END_TEST

static void run_poll_of_nothing(void)
{
    struct pollfd watched[] = {{-1, POLLIN, 0}, {-1, POLLIN, 0}};
    ready();
    poll(watched, 2, -1);
}

START_TEST(poll_of_nothing)
{
    begin(run_poll_of_nothing);
    look("waiter", WAIT_POLL);
    expect(NULL, NULL, WAIT_TIMEOUT_NO, "poll of no descriptors, no timeout");
}
END_TEST

static TCase *make_tests(void)
{
    TCase *tcase = tcase_create("descriptors");
    tcase_add_checked_fixture(tcase, NULL, wait_child_end);
    tcase_add_test(tcase, pipe_of_this_process_alone);
    tcase_add_test(tcase, pipe_of_another_process);
    tcase_add_test(tcase, pipe_that_is_full);
    tcase_add_test(tcase, fifo_that_nobody_opens);
    tcase_add_test(tcase, socket_pair);
    tcase_add_test(tcase, tcp_accept);
    tcase_add_test(tcase, tcp_connection);
    tcase_add_test(tcase, event_descriptor);
    tcase_add_loop_test(tcase, file_lock, 0, 2);
    tcase_add_test(tcase, poll_for_ever);
    tcase_add_test(tcase, poll_with_a_timeout);
    tcase_add_test(tcase, ppoll_has_time_left);
    tcase_add_test(tcase, select_has_time_left);
    tcase_add_test(tcase, epoll_of_several);
    tcase_add_test(tcase, epoll_of_nothing);
    tcase_add_test(tcase, signals);
    tcase_add_test(tcase, any_signal);
    tcase_add_test(tcase, sleep_has_time_left);
    tcase_add_test(tcase, sleep_of_unknown_rest);
    tcase_add_test(tcase, sleep_until);
    tcase_add_test(tcase, child_process);
    tcase_add_test(tcase, system_v_semaphore);
    tcase_add_test(tcase, poll_of_nothing);
    return tcase;
}

int main(void)
{
    return suite_run("wait_file", make_tests());
}
