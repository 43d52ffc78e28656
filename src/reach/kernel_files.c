/*
 * Descriptors that keep bytes or words of the process. Nothing is consumed: a pipe is copied with tee(2), a
 * socket is read with MSG_PEEK (kernel_sockets.c). The descriptor is that of the process itself
 * (pidfd_getfd(2)), so no new end is opened.
 */
#include "reach/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
    DEFAULT_PIPE = 64 << 10, /* bytes */
    TTY_AUX = 5,             /* major number of /dev/ptmx */
    PTMX = 2,                /* and the minor one */
};

struct reading {
    struct reach_collector *collector;
    pid_t task;
    int pidfd;
    struct reach_regular regular;
    struct reach_seen seen;
};

static void lower(const struct reading *reading)
{
    reach_kernel_unread(reading->collector);
}

/* Of struct epoll_event: "tfd: 5 events: 19 data: 7f0000000000 …". Of eventfd the counter. The kernel makes
 * the whole text, however little of it is read. */
static void read_info(const struct reading *reading, int fd, const char *key)
{
    size_t length = 0, room = reach_kernel_room(reading->collector);
    int info = room ? open(PROC_PATH("%d/fdinfo/%d", reading->task, fd), O_RDONLY | O_CLOEXEC) : -1;
    char *text = info >= 0 ? read_all(info, room, &length) : NULL;
    if (reach_kernel_take(reading->collector, length) && text)
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

static void read_pipe(struct reading *reading, int pipe_end, const struct stat *status)
{
    int size = 0, ends[2];
    if ((fcntl(pipe_end, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return;
    if (ioctl(pipe_end, FIONREAD, &size) == 0 && size == 0)
        return;
    if (reach_kernel_was_seen(&reading->seen, status))
        return;
    if (!reach_kernel_see(&reading->seen, status) || !reach_kernel_take(reading->collector, (size_t)size)) {
        lower(reading);
        return;
    }
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        lower(reading);
        return;
    }
    if (!tee_through(reading, pipe_end, size, ends))
        lower(reading);
    close(ends[0]);
    close(ends[1]);
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
            read_pipe(reading, copy, &status);
        else if (S_ISSOCK(status.st_mode))
            reach_kernel_read_socket(reading->collector, &reading->seen, copy, &status);
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
    struct reading reading = {collector,
                              task,
                              (int)syscall(SYS_pidfd_open, collector->pid, 0),
                              reach_regular_begin(snapshot),
                              {.count = 0}};
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
