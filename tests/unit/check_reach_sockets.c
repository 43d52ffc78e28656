/* What is read of sockets and pipes, and when a socket may be not empty. */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reach/caveat.h"
#include "reach/kernel.h"
#include "suite.h"

static struct reach_collector collector;
static struct reach_seen seen;

static void setup(void)
{
    memset(&collector, 0, sizeof(collector));
    seen.count = 0;
}

static void teardown(void)
{
    free(collector.kernel.bytes);
}

static void read_socket(int socket)
{
    struct stat status;
    ck_assert_int_eq(fstat(socket, &status), 0);
    reach_kernel_read_socket(&collector, &seen, socket, &status);
}

/* lowers: nothing is proved any more. marks: bytes that are references. */
static void expect(bool lowers, size_t marks)
{
    ck_assert_uint_eq(collector.image.caveats, lowers ? REACH_BIT(QUEUE) : 0);
    ck_assert_uint_eq(collector.kernel.size, marks);
}

static void make_pair(int type, int ends[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, type, 0, ends), 0);
}

static int make_listener(struct sockaddr_in *address)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof(*address);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(listener, (struct sockaddr *)address, size), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)address, &size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    return listener;
}

static const struct {
    int domain, type;
} kinds[] = {{AF_UNIX, SOCK_STREAM}, {AF_UNIX, SOCK_DGRAM},  {AF_UNIX, SOCK_SEQPACKET},
             {AF_INET, SOCK_STREAM}, {AF_INET, SOCK_DGRAM},  {AF_INET6, SOCK_STREAM},
             {AF_INET6, SOCK_DGRAM}, {AF_NETLINK, SOCK_RAW}, {AF_NETLINK, SOCK_DGRAM}};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

START_TEST(new_sockets_are_empty)
{
    int made = socket(kinds[_i].domain, kinds[_i].type, 0);
    if (made < 0) {
        skip("no sockets of family %d here", kinds[_i].domain);
        return;
    }
    read_socket(made);
    expect(false, 0);
    close(made);
}
END_TEST

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

START_TEST(connected_sockets_are_empty)
{
    int ends[2];
    make_pair(types[_i], ends);
    read_socket(ends[0]);
    expect(false, 0);
}
END_TEST

START_TEST(what_is_in_it_is_read_but_is_never_all)
{
    int ends[2];
    make_pair(types[_i], ends);
    ck_assert_int_eq(write(ends[1], "12345678", 8), 8);
    read_socket(ends[0]);
    expect(true, 8);
    ck_assert_mem_eq(collector.kernel.bytes, "12345678", 8);
}
END_TEST

START_TEST(an_empty_datagram_is_something)
{
    int ends[2];
    make_pair(types[_i], ends);
    ck_assert_int_eq(send(ends[1], "", 0, 0), 0);
    read_socket(ends[0]);
    expect(true, 0);
}
END_TEST

START_TEST(the_end_of_a_stream_is_nothing)
{
    int ends[2];
    make_pair(SOCK_STREAM, ends);
    close(ends[1]);
    read_socket(ends[0]);
    expect(false, 0);
}
END_TEST

START_TEST(a_connection_that_nobody_has_accepted)
{
    struct sockaddr_in address;
    int listener = make_listener(&address), sender = socket(AF_INET, SOCK_STREAM, 0);
    read_socket(listener);
    expect(false, 0);
    ck_assert_int_eq(connect(sender, (struct sockaddr *)&address, sizeof(address)), 0);
    read_socket(listener);
    expect(true, 0);
}
END_TEST

/* The error stays there for the process, which gets it from its next call. */
START_TEST(an_error_is_not_taken)
{
    struct sockaddr_in address;
    int listener = make_listener(&address), sender = socket(AF_INET, SOCK_STREAM, 0), error = 0;
    ck_assert_int_eq(connect(sender, (struct sockaddr *)&address, sizeof(address)), 0);
    struct pollfd reset = {.fd = accept(listener, NULL, NULL)};
    const struct linger at_once = {.l_onoff = 1};
    ck_assert_int_eq(setsockopt(sender, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(sender);
    ck_assert_int_eq(poll(&reset, 1, -1), 1);
    read_socket(reset.fd);
    expect(true, 0);
    socklen_t size = sizeof(error);
    ck_assert_int_eq(getsockopt(reset.fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    ck_assert_int_eq(error, ECONNRESET);
}
END_TEST

START_TEST(a_socket_with_many_descriptors_is_read_once)
{
    int ends[2];
    make_pair(SOCK_STREAM, ends);
    ck_assert_int_eq(write(ends[1], "12345678", 8), 8);
    read_socket(ends[0]);
    read_socket(dup(ends[0]));
    expect(true, 8);
}
END_TEST

START_TEST(bytes_are_limited_in_all)
{
    int ends[2];
    make_pair(SOCK_STREAM, ends);
    ck_assert(reach_kernel_take(&collector, REACH_KERNEL_MAX - 7));
    ck_assert_int_eq(write(ends[1], "12345678", 8), 8);
    read_socket(ends[0]);
    expect(true, 0);
    ck_assert_uint_eq(reach_kernel_room(&collector), 0);
    make_pair(SOCK_STREAM, ends);
    ck_assert_int_eq(write(ends[1], "1", 1), 1);
    read_socket(ends[0]);
    expect(true, 0);
}
END_TEST

START_TEST(sockets_are_limited)
{
    int ends[2];
    seen.count = REACH_MAX_SEEN;
    make_pair(SOCK_STREAM, ends);
    ck_assert_int_eq(write(ends[1], "12345678", 8), 8);
    read_socket(ends[0]);
    expect(true, 0);
}
END_TEST

/* ---- pipes: of all descriptors of a child, which has no others ---- */

static void read_files_of_child(size_t taken, bool lowers, size_t marks)
{
    pid_t child = fork();
    if (child == 0) {
        int ends[2];
        const struct snapshot snapshot = {.pid = getpid(), .task = getpid()};
        for (int fd = 0; fd < 1024; fd++)
            close(fd);
        collector.pid = getpid();
        collector.kernel_taken = taken;
        bool made = pipe(ends) == 0 && write(ends[1], "12345678", 8) == 8 && dup(ends[0]) >= 0;
        reach_kernel_read_files(&collector, &snapshot);
        bool lowered = (collector.image.caveats & REACH_BIT(QUEUE)) != 0;
        _exit(!made || lowered != lowers || collector.kernel.size != marks);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

START_TEST(a_pipe_is_read_once)
{
    read_files_of_child(REACH_KERNEL_MAX - 8, false, 8);
}
END_TEST

START_TEST(pipes_are_limited)
{
    read_files_of_child(REACH_KERNEL_MAX - 7, true, 0);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("reach_sockets");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, new_sockets_are_empty, 0, KINDS);
    tcase_add_loop_test(all, connected_sockets_are_empty, 0, 3);
    tcase_add_loop_test(all, what_is_in_it_is_read_but_is_never_all, 0, 3);
    tcase_add_loop_test(all, an_empty_datagram_is_something, 1, 3);
    tcase_add_test(all, the_end_of_a_stream_is_nothing);
    tcase_add_test(all, a_connection_that_nobody_has_accepted);
    tcase_add_test(all, an_error_is_not_taken);
    tcase_add_test(all, a_socket_with_many_descriptors_is_read_once);
    tcase_add_test(all, bytes_are_limited_in_all);
    tcase_add_test(all, sockets_are_limited);
    tcase_add_test(all, a_pipe_is_read_once);
    tcase_add_test(all, pipes_are_limited);
    return suite_run("reach_sockets", all);
}
