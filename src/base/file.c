#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int regular_file_open(const char *path, struct stat *status)
{
    if (stat(path, status) != 0)
        return -1;
    if (!S_ISREG(status->st_mode)) {
        errno = EINVAL;
        return -1;
    }
    /* Another file may be at the path by now, so this checks the descriptor again. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, status) != 0 || !S_ISREG(status->st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

char *read_all(int fd, size_t most, size_t *length)
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
        n = read(fd, text + used, capacity - 1 - used);
        if (n < 0 && errno != EINTR)
            break;
        used += n > 0 ? (size_t)n : 0;
        if (used > most) {
            errno = EFBIG;
            break;
        }
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
