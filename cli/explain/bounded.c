#include "cli/explain/bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/common/output.h"

struct sink {
    int fd;
    bool is_socket;
    uint64_t patience_ns;
};

static ssize_t put(const struct sink *sink, const char *text, size_t size)
{
    return sink->is_socket ? send(sink->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : write(sink->fd, text, size);
}

/* A pipe can have room for less than the report of poll(2) says, so it may be asked in vain. */
static void await_room(const struct sink *sink)
{
    struct pollfd room = {.fd = sink->fd, .events = POLLOUT};
    poll(&room, 1, 100);
}

static bool write_to(const struct sink *sink, const char *text, size_t size)
{
    uint64_t last = now_ns();
    while (size > 0) {
        ssize_t n = put(sink, text, size);
        if (n > 0) {
            text += n;
            size -= (size_t)n;
            last = now_ns();
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        } else if (now_ns() - last > sink->patience_ns) {
            errno = ETIMEDOUT;
            return false;
        } else {
            await_room(sink);
        }
    }
    return true;
}

/* Another description of the same pipe: O_NONBLOCK on the one of the program would be its own, too. */
static int open_again(int fd)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

bool bounded_write(int fd, const char *text, size_t size, unsigned patience_s)
{
    const uint64_t patience_ns = patience_s * UINT64_C(1000000000);
    struct stat status;
    bool known = fstat(fd, &status) == 0;
    if (known && S_ISSOCK(status.st_mode))
        return write_to(&(struct sink){fd, true, patience_ns}, text, size);
    int again = known && S_ISFIFO(status.st_mode) ? open_again(fd) : -1;
    if (again < 0)
        return output_write_all(fd, text, size);
    bool done = write_to(&(struct sink){again, false, patience_ns}, text, size);
    int saved = errno;
    close(again);
    errno = saved;
    return done;
}
