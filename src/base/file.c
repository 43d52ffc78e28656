#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *fd_path(struct fd_path *path, int fd)
{
    snprintf(path->text, sizeof(path->text), "/proc/self/fd/%d", fd);
    return path->text;
}

static int close_with(int fd, int why)
{
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

/* O_NONBLOCK: another process may hold a lease on the file (fcntl(2)). */
static int open_to_read(const char *path, int flags)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
}

/* O_PATH has no effect on the file: to open a FIFO or a device can have one. */
static int open_checked(const char *path, int flags, struct stat *status)
{
    int at = open(path, O_PATH | O_CLOEXEC | flags);
    if (at < 0 || fstat(at, status) != 0)
        return close_with(at, errno);
    if (!S_ISREG(status->st_mode))
        return close_with(at, EINVAL);
    int fd = open_to_read(FD_PATH(at), 0), why = errno;
    if (fd < 0 && access("/proc/self/fd", F_OK) != 0) {
        fd = open_to_read(path, flags);
        why = errno;
    }
    close_with(at, why);
    if (fd >= 0 && (fstat(fd, status) != 0 || !S_ISREG(status->st_mode)))
        return close_with(fd, EINVAL);
    return fd;
}

int regular_file_open(const char *path, struct stat *status)
{
    return open_checked(path, 0, status);
}

int regular_file_open_here(const char *path, struct stat *status)
{
    return open_checked(path, O_NOFOLLOW, status);
}

/* ---- what libraries open -------------------------------------------------------------- */

/*
 * libdw opens by their names files that a program's own file names (.gnu_debuglink, .gnu_debugaltlink, .dwo).
 * It has no way to be given descriptors of all of these. So the `open` that libraries call is this one. Those
 * that only read have plain O_RDONLY; the code here always has O_CLOEXEC, too.
 */
enum { LIBRARY_FILE_GIB = 8 }; /* libdw computes a checksum of a whole file */

static int open_for_library(const char *path)
{
    struct stat status;
    int fd = regular_file_open(path, &status);
    if (fd >= 0 && status.st_size >> 30 >= LIBRARY_FILE_GIB)
        return close_with(fd, EFBIG);
    return fd;
}

int file_open(const char *path, int flags, ...) __asm__("open") __attribute__((visibility("default")));
int file_open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    mode_t mode = creates ? va_arg(list, mode_t) : 0;
    va_end(list);
    return flags == O_RDONLY ? open_for_library(path) : openat(AT_FDCWD, path, flags, mode);
}

/* ---- reading ---------------------------------------------------------------------------- */

char *regular_file_read_here(const char *path, size_t most, size_t *length)
{
    struct stat status;
    int fd = regular_file_open_here(path, &status);
    char *text = fd >= 0 ? read_all(fd, most, length) : NULL;
    close_with(fd, errno);
    return text;
}

char *read_beginning(int fd, size_t most, size_t *length)
{
    size_t capacity = 0, used = 0;
    char *text = NULL;
    ssize_t n = 1;
    while (n != 0) {
        if (capacity - used < 2) { /* for one byte and the NUL */
            capacity = capacity ? 2 * capacity : 4096;
            char *more = realloc(text, capacity);
            if (!more)
                break;
            text = more;
        }
        size_t room = capacity - 1 - used;
        n = read(fd, text + used, room < most - used ? room : most - used);
        if (n < 0 && errno != EINTR)
            break;
        used += n > 0 ? (size_t)n : 0;
    }
    if (n != 0) {
        int why = errno;
        free(text);
        errno = why;
        return NULL;
    }
    text[used] = 0;
    *length = used;
    return text;
}

char *read_all(int fd, size_t most, size_t *length)
{
    char *text = read_beginning(fd, most + 1, length);
    if (!text || *length <= most)
        return text;
    free(text);
    errno = EFBIG;
    return NULL;
}

static bool is_fifo(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* Without O_NONBLOCK, open(2) of a FIFO would wait until somebody opens it to write. If nobody has, the first
 * read gets the end of the file. A pipe of the shell may be empty. */
char *input_read(const char *path, size_t most, size_t *length, struct error *error)
{
    int fd = open_to_read(path, 0);
    char *text = fd >= 0 && fcntl(fd, F_SETFL, O_RDONLY) == 0 ? read_all(fd, most, length) : NULL;
    int why = errno;
    close_with(fd, why);
    if (!text) {
        error_set(error, "%s: cannot be read: %s", path, strerror(why));
    } else if (*length == 0 && is_fifo(path)) {
        free(text);
        text = NULL;
        error_set(error, "%s: is a FIFO that nobody writes to", path);
    }
    return text;
}

size_t pread_all(int fd, uint64_t offset, void *to, size_t size)
{
    size_t done = 0;
    errno = EOVERFLOW;
    while (done < size && offset <= (uint64_t)INT64_MAX - size) {
        ssize_t n = pread(fd, (char *)to + done, size - done, (off_t)(offset + done));
        if (n == 0)
            errno = 0;
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    return done;
}
