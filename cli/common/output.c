#include "cli/common/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"

/* The descriptor that the path names, or -1. Opening such a path again would truncate a file that the shell
 * opened for appending. Renaming over it would not change the file that the shell opened. */
static int descriptor_of(const char *path)
{
    if (!strcmp(path, "/dev/stdin"))
        return STDIN_FILENO;
    if (!strcmp(path, "/dev/stdout"))
        return STDOUT_FILENO;
    if (!strcmp(path, "/dev/stderr"))
        return STDERR_FILENO;
    static const char *const directories[] = {"/dev/fd/", "/proc/self/fd/"};
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        size_t length = strlen(directories[i]);
        if (strncmp(path, directories[i], length))
            continue;
        char *end;
        long fd = strtol(path + length, &end, 10);
        if (end != path + length && !*end && fd >= 0 && fd <= 1 << 20)
            return (int)fd;
    }
    return -1;
}

static FILE *open_stream(int fd)
{
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file && fd >= 0)
        close(fd);
    return file;
}

static bool go_direct(struct output *output, FILE *direct, bool owned)
{
    output->direct = direct;
    output->owned = owned;
    output->file = direct ? open_memstream(&output->text, &output->size) : NULL;
    return output->file != NULL;
}

static bool open_direct(struct output *output, int fd)
{
    return go_direct(output, open_stream(fd), true);
}

static mode_t mode_for(const struct stat *existing)
{
    if (existing)
        return existing->st_mode & 0777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Creates a file in the directory of the target, with the mode that the target has or would get. */
static bool open_temporary(struct output *output, const struct stat *existing)
{
    const char *name = path_basename(output->target);
    if (asprintf(&output->temporary, "%.*s.%.100s.XXXXXX", (int)(name - output->target), output->target,
                 name) < 0) {
        output->temporary = NULL;
        return false;
    }
    int fd = mkostemp(output->temporary, O_CLOEXEC);
    if (fd < 0) {
        free(output->temporary);
        output->temporary = NULL;
        return false;
    }
    output->file = open_stream(fd);
    return output->file && fchmod(fd, mode_for(existing)) == 0;
}

/* Is a signal pending that would end this process? run blocks signals. */
static bool is_to_end(void)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    sigset_t pending;
    struct sigaction action;
    sigpending(&pending);
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
        if (sigismember(&pending, ending[i]) == 1 && sigaction(ending[i], NULL, &action) == 0 &&
            action.sa_handler != SIG_IGN)
            return true;
    return false;
}

/* Waits until another process opens it for reading. */
static int open_fifo(const char *path)
{
    for (;;) {
        int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0) {
            fcntl(fd, F_SETFL, O_WRONLY);
            return fd;
        }
        if (errno != ENXIO)
            return -1;
        if (is_to_end()) {
            errno = EINTR;
            return -1;
        }
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
}

static int open_existing(const char *path, const struct stat *st)
{
    return S_ISFIFO(st->st_mode) ? open_fifo(path) : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

static bool open_path(struct output *output, const char *path)
{
    int fd = descriptor_of(path);
    if (fd >= 0)
        return open_direct(output, fcntl(fd, F_DUPFD_CLOEXEC, 3));

    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (!exists && errno != ENOENT)
        return false;
    if (exists && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (exists && !S_ISREG(st.st_mode))
        return open_direct(output, open_existing(path, &st));
    if (exists && access(path, W_OK) < 0)
        return false;
    /* Replaces the file that a symbolic link names, not the link. */
    output->target = exists ? realpath(path, NULL) : strdup(path);
    return output->target && open_temporary(output, exists ? &st : NULL);
}

bool output_open(struct output *output, const char *path, FILE *fallback, struct error *error)
{
    memset(output, 0, sizeof(*output));
    if (!path || !strcmp(path, "-")) {
        if (go_direct(output, path ? stdout : fallback, false))
            return true;
        return error_set(error, "out of memory");
    }
    if (!*path)
        return error_set(error, "'' is not the name of a file; give a file, or '-' for standard output");
    output->name = strdup(path);
    if (output->name && open_path(output, path))
        return true;
    error_set(error, "%s: cannot be written: %s", path, strerror(errno));
    output_abandon(output);
    return false;
}

/* Opening a FIFO waits for its reader, and closing it ends the reader. */
static bool is_writable_fifo(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 && S_ISFIFO(st.st_mode) && access(path, W_OK) == 0;
}

bool output_check(const char *path, struct error *error)
{
    struct output output;
    if (is_writable_fifo(path))
        return true;
    if (!output_open(&output, path, stderr, error))
        return false;
    output_abandon(&output);
    return true;
}

void output_keep(const char *path)
{
    int fd = path ? descriptor_of(path) : -1;
    if (fd > STDERR_FILENO)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void release(struct output *output)
{
    free(output->target);
    free(output->temporary);
    free(output->name);
    free(output->text);
    memset(output, 0, sizeof(*output));
}

/* Another process may have made it non-blocking, as Node.js does with pipes. A signal handler interrupts
 * poll(2) even with SA_RESTART. */
static bool may_write_again(int fd)
{
    if (errno == EAGAIN && poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1) > 0)
        return true;
    return errno == EINTR;
}

bool output_write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && !may_write_again(fd))
            return false;
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Closes `*file` and sets it to NULL. False: errno says why, or is 0. */
static bool close_stream(FILE **file)
{
    errno = 0;
    bool good = fflush(*file) == 0 && !ferror(*file);
    int saved = errno;
    bool closed = fclose(*file) == 0;
    *file = NULL;
    if (!good)
        errno = saved;
    return good && closed;
}

static bool put_in_place(struct output *output)
{
    if (!close_stream(&output->file))
        return false;
    if (output->temporary)
        return rename(output->temporary, output->target) == 0;
    fflush(output->direct);
    if (!output_write_all(fileno(output->direct), output->text, output->size))
        return false;
    if (!output->owned)
        return true;
    output->owned = false;
    return fclose(output->direct) == 0;
}

bool output_commit(struct output *output, struct error *error)
{
    if (put_in_place(output)) {
        release(output);
        return true;
    }
    error_set(error, "%s could not be written%s%s", output->name ? output->name : "the report",
              errno ? ": " : "", errno ? strerror(errno) : "");
    output_abandon(output);
    return false;
}

void output_abandon(struct output *output)
{
    if (output->file)
        fclose(output->file);
    if (output->owned && output->direct)
        fclose(output->direct);
    if (output->temporary)
        unlink(output->temporary);
    release(output);
}

int output_descriptor(const struct output *output)
{
    return fileno(output->direct ? output->direct : output->file);
}

bool output_color(int fd, enum option_color color)
{
    if (color != COLOR_AUTO)
        return color == COLOR_ALWAYS;
    const char *value = getenv("NO_COLOR");
    if (value && *value)
        return false;
    value = getenv("CLICOLOR_FORCE");
    if (value && *value && strcmp(value, "0"))
        return true;
    value = getenv("TERM");
    return value && strcmp(value, "dumb") && isatty(fd);
}
