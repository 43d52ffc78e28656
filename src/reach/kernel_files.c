/*
 * Descriptors that keep bytes or words of the process. Nothing is consumed: a pipe is copied with tee(2), a
 * socket is read with MSG_PEEK. The descriptor is that of the process itself (pidfd_getfd(2)), so no new end
 * is opened.
 */
#include "reach/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "common/compat.h"
#include "proc/file.h"
#include "reach/caveat.h"

enum {
    MAX_FILES = 20000,
    MAX_INFO = 64 << 20,     /* bytes of fdinfo of one epoll */
    MAX_PEEKED = 16 << 20,   /* bytes of one socket */
    DEFAULT_PIPE = 64 << 10, /* bytes */
    TTY_AUX = 5,             /* major number of /dev/ptmx */
    PTMX = 2,                /* and the minor one */
};

struct reading {
    struct reach_collector *collector;
    pid_t task;
    int pidfd;
    struct reach_regular regular;
};

static void lower(const struct reading *reading)
{
    reading->collector->image.caveats |= REACH_BIT(QUEUE);
}

/* Of struct epoll_event: "tfd: 5 events: 19 data: 7f0000000000 …". Of eventfd the counter. */
static void read_info(const struct reading *reading, int fd, const char *key)
{
    size_t length;
    int info = open(PROC_PATH("%d/fdinfo/%d", reading->task, fd), O_RDONLY | O_CLOEXEC);
    char *text = info >= 0 ? read_all(info, MAX_INFO, &length) : NULL;
    if (text)
        reach_kernel_add_values(reading->collector, text, key, 0);
    else
        reach_kernel_unknown(reading->collector);
    free(text);
    if (info >= 0)
        close(info);
}

/* ---- pipes ---- */

/* Copies what is in the pipe to one of ours, and reads that. */
static bool tee_through(const struct reading *reading, int pipe_end, int size, const int ends[2])
{
    int capacity = fcntl(pipe_end, F_GETPIPE_SZ);
    if (capacity > DEFAULT_PIPE && fcntl(ends[1], F_SETPIPE_SZ, capacity) < 0)
        return false;
    if (tee(pipe_end, ends[1], (size_t)size, SPLICE_F_NONBLOCK) != size)
        return false;
    unsigned char *bytes = malloc((size_t)size);
    ssize_t n = bytes ? read(ends[0], bytes, (size_t)size) : -1;
    if (n > 0)
        reach_kernel_add(reading->collector, bytes, (size_t)n);
    free(bytes);
    return n == size;
}

static void read_pipe(const struct reading *reading, int pipe_end)
{
    int size = 0, ends[2];
    if ((fcntl(pipe_end, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return;
    if (ioctl(pipe_end, FIONREAD, &size) == 0 && size == 0)
        return;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        lower(reading);
        return;
    }
    if (!tee_through(reading, pipe_end, size, ends))
        lower(reading);
    close(ends[0]);
    close(ends[1]);
}

/* ---- sockets ---- */

static int option(int socket, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static bool is_same_host(const union address *own, const union address *peer)
{
    if (own->any.sa_family != peer->any.sa_family)
        return false;
    if (own->any.sa_family == AF_INET)
        return own->four.sin_addr.s_addr == peer->four.sin_addr.s_addr ||
               ntohl(peer->four.sin_addr.s_addr) >> 24 == 127;
    return own->any.sa_family == AF_INET6 && IN6_ARE_ADDR_EQUAL(&own->six.sin6_addr, &peer->six.sin6_addr);
}

/* Can the process itself have sent what is in a socket of the internet? Without a peer anybody can. */
static bool is_of_this_host(int socket)
{
    union address own, peer;
    socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
    return getpeername(socket, &peer.any, &peer_size) != 0 || getsockname(socket, &own.any, &own_size) != 0 ||
           is_same_host(&own, &peer);
}

static bool is_readable(int socket)
{
    struct pollfd waiting = {.fd = socket, .events = POLLIN};
    return poll(&waiting, 1, 0) != 0;
}

/* Returns the number of bytes. Descriptors under way are not received without room for them, and the flag
 * MSG_CTRUNC is set (unix(7)): what is in these cannot be read. */
static ssize_t peek(const struct reading *reading, int socket, size_t size)
{
    unsigned char *bytes = malloc(size);
    struct iovec iov = {bytes, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = bytes ? recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT) : -1;
    if (n > 0)
        reach_kernel_add(reading->collector, bytes, (size_t)n);
    free(bytes);
    return message.msg_flags & MSG_CTRUNC ? -1 : n;
}

/*
 * Of datagrams only the first can be seen, and the kernel does not say whether there are others. One without
 * bytes can have a descriptor, too. Peeking would move the offset of SO_PEEK_OFF.
 */
static void read_received(const struct reading *reading, int socket, int size)
{
    bool is_datagram = option(socket, SO_TYPE) == SOCK_DGRAM;
    bool can_peek = size <= MAX_PEEKED && option(socket, SO_PEEK_OFF) < 0;
    ssize_t n = size > 0 && can_peek ? peek(reading, socket, (size_t)size) : 0;
    if (n != size || (is_datagram && is_readable(socket)))
        lower(reading);
}

/* What TCP has not delivered, because the receiver's buffer is full, is in the sender's, and cannot be read.
 */
static void read_of_this_host(const struct reading *reading, int socket, int size)
{
    int unsent = 0;
    if (size > 0)
        read_received(reading, socket, size);
    if (option(socket, SO_TYPE) == SOCK_STREAM && (ioctl(socket, SIOCOUTQ, &unsent) != 0 || unsent != 0))
        lower(reading);
}

static void read_socket(const struct reading *reading, int socket)
{
    int size = 0, domain = option(socket, SO_DOMAIN);
    bool is_internet = domain == AF_INET || domain == AF_INET6;
    if (option(socket, SO_ACCEPTCONN) == 1) {
        if (is_readable(socket)) /* what was sent over a new connection is in no descriptor yet */
            lower(reading);
        return;
    }
    if (ioctl(socket, FIONREAD, &size) != 0 || size < 0)
        return;
    if (domain == AF_UNIX)
        read_received(reading, socket, size);
    else if (is_internet && is_of_this_host(socket))
        read_of_this_host(reading, socket, size);
    else if (!is_internet && size > 0)
        lower(reading);
}

/* ---- all ---- */

/* "QSIZE:0 NOTIFY:0 SIGNO:10 NOTIFY_PID:4711": the kernel keeps the value of mq_notify(3), too. */
static bool has_notification(int queue)
{
    char text[128];
    ssize_t n = pread(queue, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = 0;
    const char *found = strstr(text, "NOTIFY_PID:");
    return !found || strtoul(found + strlen("NOTIFY_PID:"), NULL, 10) != 0;
}

static void read_queue(const struct reading *reading, int queue, const struct mq_attr *attributes)
{
    if (attributes->mq_curmsgs > 0 || has_notification(queue))
        lower(reading);
}

static void read_bytes(struct reading *reading, int fd)
{
    struct stat status;
    struct mq_attr attributes;
    int copy = (int)syscall(SYS_pidfd_getfd, reading->pidfd, fd, 0);
    if (copy < 0) {
        if (errno != EBADF)
            reach_kernel_unknown(reading->collector);
        return;
    }
    if (fstat(copy, &status) == 0) {
        if (S_ISFIFO(status.st_mode))
            read_pipe(reading, copy);
        else if (S_ISSOCK(status.st_mode))
            read_socket(reading, copy);
        else if (S_ISREG(status.st_mode) && mq_getattr(copy, &attributes) == 0)
            read_queue(reading, copy, &attributes);
        else if (S_ISREG(status.st_mode))
            reach_kernel_read_regular(reading->collector, &reading->regular, copy, &status);
    }
    close(copy);
}

/* What has a path: a FIFO, a POSIX queue, a regular file, a terminal. */
static bool may_have_bytes(const struct reading *reading, int fd, const char *link)
{
    struct file_facts facts;
    if (text_begins_with(link, "pipe:") || text_begins_with(link, "socket:"))
        return true;
    if (link[0] != '/' || !file_facts_read(PROC_PATH("%d/fd/%d", reading->task, fd), &facts))
        return false;
    if (S_ISCHR(facts.mode) && facts.device_major == TTY_AUX && facts.device_minor == PTMX)
        reading->collector->image.caveats |= REACH_BIT(TERMINAL);
    return S_ISFIFO(facts.mode) || S_ISREG(facts.mode);
}

static void read_file(struct reading *reading, int fd)
{
    char link[256];
    ssize_t length = readlink(PROC_PATH("%d/fd/%d", reading->task, fd), link, sizeof(link) - 1);
    if (length < 0)
        return;
    link[length] = 0;
    if (strcmp(link, "anon_inode:[eventpoll]") == 0)
        read_info(reading, fd, " data:");
    else if (strcmp(link, "anon_inode:[eventfd]") == 0)
        read_info(reading, fd, "eventfd-count:");
    else if (strcmp(link, "anon_inode:[io_uring]") == 0)
        reading->collector->image.caveats |= REACH_BIT(URING);
    else if (strcmp(link, "anon_inode:bpf-map") == 0 || strcmp(link, "anon_inode:[userfaultfd]") == 0)
        reach_kernel_unknown(reading->collector);
    else if (may_have_bytes(reading, fd, link))
        read_bytes(reading, fd);
}

void reach_kernel_read_files(struct reach_collector *collector, const struct snapshot *snapshot)
{
    const pid_t task = snapshot->task;
    struct reading reading = {collector, task, (int)syscall(SYS_pidfd_open, collector->pid, 0),
                              reach_regular_begin(snapshot)};
    DIR *directory = opendir(PROC_PATH("%d/fd", task));
    size_t count = 0;
    if (!directory)
        reach_kernel_unknown(collector);
    for (long fd; directory && (fd = proc_next_number(directory)) >= 0; count++)
        if (count < MAX_FILES)
            read_file(&reading, (int)fd);
    if (count > MAX_FILES)
        reach_kernel_unknown(collector);
    if (directory)
        closedir(directory);
    if (reading.pidfd >= 0)
        close(reading.pidfd);
}
