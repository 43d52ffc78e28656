/* Waits for pipes, sockets and other descriptors. */
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

/* On a busy machine the facts about a descriptor may take longer than their time limit. Then the wait is
 * described without them, and is sampled again. */
static void sample_text(enum wait_on on, enum wait_timeout timeout, const char *text)
{
    sample_until("waiter", on, text);
    expect(NULL, NULL, timeout, text);
}

/* ---- pipes ------------------------------------------------------------------------------- */

static void run_pipe(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    child_report(ends[0]);
    child_report(ends[1]);
    read_byte(ends[0]);
}

START_TEST(pipe_of_this_process_alone)
{
    child_begin(run_pipe);
    sample_text(WAIT_PIPE, WAIT_TIMEOUT_NO,
                text_of("read of pipe %d, whose writing end only this process holds (descriptor %d)",
                        child_reported(0), child_reported(1)));
    ck_assert_int_eq(seen->fd, child_reported(0));
}
END_TEST

static void run_pipe_shared(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    child_report(ends[0]);
    pid_t pid = fork();
    if (pid == 0) {
        prctl_end_with_parent();
        named("cat");
        child_ready();
        pause_for_ever();
    }
    child_report(pid);
    close(ends[1]);
    wait_ready(1);
    read_byte(ends[0]);
}

START_TEST(pipe_of_another_process)
{
    child = child_start(run_pipe_shared);
    wait_ready(2);
    sample_text(WAIT_PIPE, WAIT_TIMEOUT_NO,
                text_of("read of pipe %d, whose writing end is held by process %d (cat)", child_reported(0),
                        child_reported(1)));
}
END_TEST

static void run_full_pipe(void)
{
    static char bytes[1 << 20];
    int ends[2];
    if (pipe(ends) != 0)
        _exit(1);
    child_report(ends[0]);
    child_report(ends[1]);
    waiter_ready();
    /* What was written in part before a stop returns. */
    while (write(ends[1], bytes, sizeof(bytes)) > 0)
        ;
}

START_TEST(pipe_that_is_full)
{
    child_begin(run_full_pipe);
    sample_text(WAIT_PIPE, WAIT_TIMEOUT_NO,
                text_of("write to pipe %d, whose reading end only this process holds (descriptor %d)",
                        child_reported(1), child_reported(0)));
}
END_TEST

static char fifo[64];

static void run_fifo(void)
{
    waiter_ready();
    if (open(fifo, O_RDONLY | O_CLOEXEC) < 0)
        _exit(1);
}

START_TEST(fifo_that_nobody_opens)
{
    scratch_directory(fifo, sizeof(fifo) - sizeof("/fifo"));
    strcat(fifo, "/fifo");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    child_begin(run_fifo);
    sample_text(WAIT_PIPE, WAIT_TIMEOUT_NO, text_of("open of pipe %s", fifo));
}
END_TEST

/* ---- sockets -------------------------------------------------------------------------------- */

static void run_socketpair(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        _exit(1);
    child_report(ends[0]);
    child_report(ends[1]);
    read_byte(ends[0]);
}

START_TEST(socket_pair)
{
    child_begin(run_socketpair);
    sample_text(
        WAIT_SOCKET, WAIT_TIMEOUT_UNKNOWN,
        text_of("read of socket %d (Unix stream), whose other end only this process holds (descriptor %d)",
                child_reported(0), child_reported(1)));
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
    child_report(fd);
    child_report(ntohs(address.sin_port));
    waiter_ready();
    accept(fd, NULL, NULL);
}

START_TEST(tcp_accept)
{
    child_begin(run_accept);
    sample_text(
        WAIT_SOCKET, WAIT_TIMEOUT_UNKNOWN,
        text_of("accept on socket %d (TCP listening on 127.0.0.1:%d)", child_reported(0), child_reported(1)));
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
    child_report(from);
    child_report(ntohs(address.sin_port));
    child_report(ntohs(mine.sin_port));
    child_report(to);
    read_byte(from);
}

START_TEST(tcp_connection)
{
    child_begin(run_tcp);
    sample_text(
        WAIT_SOCKET, WAIT_TIMEOUT_UNKNOWN,
        text_of("read of socket %d (TCP 127.0.0.1:%d to 127.0.0.1:%d), whose other end only this process "
                "holds (descriptor %d)",
                child_reported(0), child_reported(1), child_reported(2), child_reported(3)));
}
END_TEST

/* ---- other descriptors -------------------------------------------------------------------------- */

static void run_eventfd(void)
{
    int fd = eventfd(0, 0);
    child_report(fd);
    uint64_t value;
    waiter_ready();
    if (read(fd, &value, sizeof(value)) < 0)
        _exit(1);
}

START_TEST(event_descriptor)
{
    child_begin(run_eventfd);
    sample_text(WAIT_FILE, WAIT_TIMEOUT_NO, text_of("read of eventfd %d", child_reported(0)));
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
        child_report(pid);
        named("keeper");
        child_ready();
        pause_for_ever();
    }
    prctl_end_with_parent();
    wait_ready(1);
    child_report(getpid());
    fd = open(locked, O_RDWR);
    child_report(fd);
    waiter_ready();
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
    scratch_directory(locked, sizeof(locked) - sizeof("/locked"));
    strcat(locked, "/locked");
    pid_t keeper = child_start(_i ? run_fcntl : run_flock);
    wait_ready(2);
    child = child_reported(1);
    sample_text(
        WAIT_FILE, WAIT_TIMEOUT_NO,
        text_of("lock of file %d (%s), held by process %d (keeper)", child_reported(2), locked, (int)keeper));
    child = keeper;
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
    return tcase;
}

int main(void)
{
    return suite_run("wait_file", make_tests());
}
