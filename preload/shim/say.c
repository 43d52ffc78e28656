#include "preload/shim/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "preload/shim/faults.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

/* A program does not wait for ever because nobody reads what the shim writes: its parent may read only after
 * its end. poll(2): then a pipe has room for PIPE_BUF bytes. */
#define PATIENCE_S 5

static bool has_room(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    struct timespec rest = {.tv_sec = PATIENCE_S};
    long n;
    do /* the kernel subtracts the time that has passed from `rest` */
        n = SYS6(ppoll, &room, 1, &rest, NULL, 0, 0);
    while (n == -EINTR);
    return n != 0;
}

bool shim_write(int fd, const char *text, size_t n)
{
    uint64_t raised = signal_bit(SIGPIPE) | signal_bit(SIGXFSZ), before = 0, pending = 0;
    struct timespec now = {0, 0};
    bool quiet = !shim_config.sandboxed;
    long written = 0;

    if (quiet) {
        SYS4(rt_sigprocmask, SIG_BLOCK, &raised, &before, KERNEL_SIGSET_SIZE);
        SYS2(rt_sigpending, &pending, KERNEL_SIGSET_SIZE);
    }
    while (n > 0 && (!quiet || has_room(fd)) &&
           ((written = SYS3(write, fd, text, n)) > 0 || written == -EINTR))
        if (written > 0) {
            text += written;
            n -= (size_t)written;
        }
    if (!quiet)
        return n == 0;
    raised &= ~pending;
    if ((written == -EPIPE || written == -EFBIG) && raised)
        SYS4(rt_sigtimedwait, &raised, NULL, &now, KERNEL_SIGSET_SIZE);
    SYS4(rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGSET_SIZE);
    return n == 0;
}

void shim_remember_stderr(void)
{
    struct stat status;
    shim_config.had_stderr = SYS2(fstat, 2, &status) == 0;
    shim_config.stderr_device = status.st_dev;
    shim_config.stderr_inode = status.st_ino;
}

bool shim_stderr_is_safe(void)
{
    struct stat status;
    long failed = shim_config.sandboxed ? -EPERM : SYS2(fstat, 2, &status);
    if (failed)
        return failed != -EBADF && shim_config.had_stderr;
    if (shim_config.had_stderr && status.st_dev == shim_config.stderr_device &&
        status.st_ino == shim_config.stderr_inode)
        return true;
    /* It is safe to write to a daemon's log, even to a pipe or a terminal. */
    long flags = SYS2(fcntl, 2, F_GETFL);
    bool log = flags >= 0 && ((flags & O_ACCMODE) == O_WRONLY || flags & O_APPEND);
    return S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode) || (S_ISREG(status.st_mode) && log);
}

void shim_say(const char *line)
{
    char buffer[640];
    struct text text = text_in(buffer, sizeof(buffer));
    text_print(&text, "threadleak: %s\n", line);
    if (shim_stderr_is_safe())
        shim_write(2, buffer, text.length);
}

int shim_refuse(const char *who, const char *problem)
{
    char line[560];
    struct text text = text_in(line, sizeof(line));
    int saved_errno = errno;
    text_print(&text, "%s: %s", who, problem);
    shim_say(line);
    errno = saved_errno;
    return -1;
}
