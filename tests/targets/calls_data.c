/* Calls that transfer data, or wait for a connection: pipes, sockets, files. See calls.h. */
#include "calls.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { MUCH = 1 << 20, HOUR = 3600 };
static char much[MUCH], taken[MUCH];

/* ---- events ---- */

static void write_one(struct row *row)
{
    if (write(row->b, "x", 1) != 1)
        abort();
}

static void write_eight(struct row *row)
{
    uint64_t one = 1;
    if (write(row->b, &one, sizeof(one)) != sizeof(one))
        abort();
}

/* Takes what the call has written and still writes. */
static void drain(struct row *row)
{
    long total = 0;
    while (total < row->result) {
        char here[4096];
        ssize_t n = read(row->a, here, sizeof(here));
        if (n <= 0)
            break;
        total += n;
    }
}

static void fill_rest(struct row *row)
{
    for (long done = 4096, n; done < MUCH; done += n)
        if ((n = write(row->b, much, (size_t)(MUCH - done))) <= 0)
            abort();
}

/* ---- pipes ---- */

static void make_pipe(struct row *row)
{
    int ends[2];
    if (pipe(ends) != 0)
        abort();
    row->a = ends[0];
    row->b = ends[1];
}

static long in_read(struct row *row)
{
    char c;
    make_pipe(row);
    near(row);
    return read(row->a, &c, 1);
}

static long in_readv(struct row *row)
{
    char c;
    struct iovec to = {&c, 1};
    make_pipe(row);
    near(row);
    return readv(row->a, &to, 1);
}

static long in_write(struct row *row)
{
    make_pipe(row);
    near(row);
    return write(row->b, much, MUCH);
}

static long in_writev(struct row *row)
{
    struct iovec from[2] = {{much, MUCH / 2}, {much, MUCH / 2}};
    make_pipe(row);
    near(row);
    return writev(row->b, from, 2);
}

static long in_splice(struct row *row)
{
    int to[2];
    make_pipe(row);
    if (pipe(to) != 0)
        abort();
    near(row);
    return splice(row->a, NULL, to[1], NULL, 1, 0);
}

static void open_writer(struct row *row)
{
    row->b = open(row->p, O_WRONLY);
    unlink(row->p);
}

static long in_open(struct row *row)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/threadleak-calls.%d", (int)getpid());
    row->p = path;
    if (mkfifo(path, 0600) != 0)
        return skip(row, "no FIFO");
    near(row);
    return open(path, O_RDONLY) >= 0 ? 0 : -1;
}

static long in_read_replaced(struct row *row)
{
    char c;
    make_pipe(row);
    near(row);
    return read(row->a, &c, 1);
}

/* ---- sockets ---- */

static void pair(struct row *row, int option)
{
    int ends[2];
    struct timeval time = {.tv_sec = HOUR};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        abort();
    if (option)
        setsockopt(ends[0], SOL_SOCKET, option, &time, sizeof(time));
    row->a = ends[0];
    row->b = ends[1];
}

/* For a call that writes to row->a. */
static void drain_other(struct row *row)
{
    struct row other = {.a = row->b, .result = row->result};
    drain(&other);
}

static long in_recv(struct row *row)
{
    char c;
    pair(row, 0);
    near(row);
    return recv(row->a, &c, 1, 0);
}

static long in_recv_timed(struct row *row)
{
    char c;
    pair(row, SO_RCVTIMEO);
    near(row);
    return recv(row->a, &c, 1, 0);
}

static long in_read_timed(struct row *row)
{
    char c;
    pair(row, SO_RCVTIMEO);
    near(row);
    return read(row->a, &c, 1);
}

static long in_recv_all(struct row *row)
{
    pair(row, 0);
    if (write(row->b, much, 4096) != 4096)
        abort();
    near(row);
    return recv(row->a, taken, MUCH, MSG_WAITALL);
}

static long receive(struct row *row, int option)
{
    char c;
    struct iovec to = {&c, 1};
    struct msghdr message = {.msg_iov = &to, .msg_iovlen = 1};
    pair(row, option);
    near(row);
    return recvmsg(row->a, &message, 0);
}

static long in_recvmsg(struct row *row)
{
    return receive(row, 0);
}

static long in_recvmsg_timed(struct row *row)
{
    return receive(row, SO_RCVTIMEO);
}

static long in_recvmmsg(struct row *row)
{
    char c[2];
    struct iovec to[2] = {{&c[0], 1}, {&c[1], 1}};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &to[0], .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &to[1], .msg_iovlen = 1}}};
    pair(row, 0);
    write_one(row);
    near(row);
    return recvmmsg(row->a, messages, 2, 0, NULL);
}

static long in_send(struct row *row)
{
    pair(row, 0);
    near(row);
    return send(row->a, much, MUCH, 0);
}

static long in_send_timed(struct row *row)
{
    pair(row, SO_SNDTIMEO);
    near(row);
    return send(row->a, much, MUCH, 0);
}

static long in_sendmsg(struct row *row)
{
    struct iovec from = {much, MUCH};
    struct msghdr message = {.msg_iov = &from, .msg_iovlen = 1};
    pair(row, 0);
    near(row);
    return sendmsg(row->a, &message, 0);
}

static long in_sendfile(struct row *row)
{
    FILE *file = tmpfile();
    if (!file || fwrite(much, 1, MUCH, file) != MUCH || fflush(file) != 0)
        return skip(row, "no file");
    pair(row, 0);
    near(row);
    return sendfile(row->a, fileno(file), &(off_t){0}, MUCH);
}

static int listening(struct row *row, int option)
{
    static atomic_int number;
    static _Thread_local struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval time = {.tv_sec = HOUR};
    int length = snprintf(address.sun_path + 1, 64, "threadleak-calls.%d.%d", (int)getpid(), number++);
    row->a = socket(AF_UNIX, SOCK_STREAM, 0);
    row->p = &address;
    row->c = (int)offsetof(struct sockaddr_un, sun_path) + 1 + length;
    if (option)
        setsockopt(row->a, SOL_SOCKET, option, &time, sizeof(time));
    if (bind(row->a, row->p, (socklen_t)row->c) != 0 || listen(row->a, 0) != 0)
        abort();
    return row->a;
}

static void connect_to(struct row *row)
{
    row->b = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(row->b, row->p, (socklen_t)row->c) != 0)
        abort();
}

static long accepted(int fd)
{
    return fd >= 0 ? 0 : -1;
}

static long in_accept(struct row *row)
{
    listening(row, 0);
    near(row);
    return accepted(accept(row->a, NULL, NULL));
}

static long in_accept4_timed(struct row *row)
{
    listening(row, SO_RCVTIMEO);
    near(row);
    return accepted(accept4(row->a, NULL, NULL, 0));
}

static long in_accept_closed(struct row *row)
{
    listening(row, 0);
    near(row);
    return accept(row->a, NULL, NULL);
}

static void accept_two(struct row *row)
{
    if (accept(row->a, NULL, NULL) < 0 || accept(row->a, NULL, NULL) < 0)
        abort();
}

/* The first connection fills the queue of length 0. */
static long connect_full(struct row *row, int option)
{
    struct timeval time = {.tv_sec = HOUR};
    listening(row, 0);
    connect_to(row);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (option)
        setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time));
    near(row);
    return connect(fd, row->p, (socklen_t)row->c);
}

static long in_connect(struct row *row)
{
    return connect_full(row, 0);
}

static long in_connect_timed(struct row *row)
{
    return connect_full(row, SO_SNDTIMEO);
}

/* ---- other descriptors ---- */

static long in_eventfd(struct row *row)
{
    uint64_t value;
    row->a = row->b = eventfd(0, 0);
    near(row);
    return read(row->a, &value, sizeof(value));
}

static void touch(struct row *row)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/touched", (char *)row->p);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    unlink(path);
    rmdir(row->p);
}

static long in_inotify(struct row *row)
{
    static char path[64]; /* a directory in which no other process creates files */
    char here[256];
    snprintf(path, sizeof(path), "/tmp/threadleak-touched.%d", (int)getpid());
    row->p = path;
    row->a = inotify_init();
    if (row->a < 0 || mkdir(path, 0700) != 0 || inotify_add_watch(row->a, path, IN_CREATE | IN_ONLYDIR) < 0)
        return skip(row, "no inotify");
    near(row);
    return read(row->a, here, sizeof(here)) > 0 ? 0 : -1;
}

/* ---- what happens under blocked calls ---- */

static void close_it(struct row *row)
{
    close(row->a);
}

static void replace_it(struct row *row)
{
    int other[2];
    if (pipe(other) != 0 || write(other[1], "x", 1) != 1 || dup2(other[0], row->a) < 0)
        abort();
}

static struct row rows[] = {
    ROW(read, write_one, 1),       ROW(readv, write_one, 1),           ROW(write, drain, MUCH),
    ROW(writev, drain, MUCH),      ROW(sendfile, drain_other, MUCH),   ROW(splice, write_one, 1),
    ROW(open, open_writer, 0),     HANGS(read_replaced, replace_it),   ROW(recv, write_one, 1),
    ROW(recv_timed, write_one, 1), ROW(recv_all, fill_rest, MUCH),     ROW(read_timed, write_one, 1),
    ROW(recvmsg, write_one, 1),    ROW(recvmsg_timed, write_one, 1),   ROW(recvmmsg, write_one, 2),
    ROW(send, drain_other, MUCH),  ROW(send_timed, drain_other, MUCH), ROW(sendmsg, drain_other, MUCH),
    ROW(accept, connect_to, 0),    ROW(accept4_timed, connect_to, 0),  HANGS(accept_closed, close_it),
    ROW(connect, accept_two, 0),   ROW(connect_timed, accept_two, 0),  ROW(eventfd, write_eight, 8),
    ROW(inotify, touch, 0),
};

int main(int argc, char **argv)
{
    return run_rows(rows, sizeof(rows) / sizeof(rows[0]), argc > 1 ? argv[1] : NULL);
}
