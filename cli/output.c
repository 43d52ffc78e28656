#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor that a path stands for, or -1.  Opening such a path anew would
 * truncate what the shell has opened for appending, and renaming over it would
 * leave the shell's own file behind. */
static int descriptor_of(const char *path)
{
    if (!strcmp(path, "/dev/stdin"))
        return STDIN_FILENO;
    if (!strcmp(path, "/dev/stdout"))
        return STDOUT_FILENO;
    if (!strcmp(path, "/dev/stderr"))
        return STDERR_FILENO;
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length))
            continue;
        char *end;
        long fd = strtol(path + length, &end, 10);
        if (end != path + length && !*end && fd >= 0 && fd <= 1 << 20)
            return (int)fd;
    }
    return -1;
}

static bool open_direct(struct output *output, int fd)
{
    if (fd < 0)
        return false;
    output->file = fdopen(fd, "w");
    if (!output->file) {
        close(fd);
        return false;
    }
    output->owned = true;
    return true;
}

static mode_t mode_for(const struct stat *existing)
{
    if (existing)
        return existing->st_mode & 0777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* A new file beside the target, with the mode the target has or would get. */
static bool open_temporary(struct output *output, const struct stat *existing)
{
    const char *slash = strrchr(output->target, '/');
    int folder = slash ? (int)(slash - output->target) + 1 : 0;
    if (asprintf(&output->temporary, "%.*s.%.100s.XXXXXX", folder, output->target, output->target + folder) <
        0) {
        output->temporary = NULL;
        return false;
    }
    int fd = mkostemp(output->temporary, O_CLOEXEC);
    if (fd < 0) {
        free(output->temporary);
        output->temporary = NULL;
        return false;
    }
    return open_direct(output, fd) && fchmod(fd, mode_for(existing)) == 0;
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
        return open_direct(output, open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (exists && access(path, W_OK) < 0)
        return false;
    /* Of a symbolic link, the file is replaced, not the link. */
    output->target = exists ? realpath(path, NULL) : strdup(path);
    return output->target && open_temporary(output, exists ? &st : NULL);
}

bool output_open(struct output *output, const char *path, FILE *fallback, struct error *error)
{
    memset(output, 0, sizeof(*output));
    if (!path || !strcmp(path, "-")) {
        output->file = path ? stdout : fallback;
        return true;
    }
    if (!*path) {
        error_set(error, "the name of the output file is empty: give a file, or '-' for standard output");
        return false;
    }
    output->name = strdup(path);
    if (output->name && open_path(output, path))
        return true;
    error_set(error, "%s: can not be written: %s", path, strerror(errno));
    output_abandon(output);
    return false;
}

static void release(struct output *output)
{
    free(output->target);
    free(output->temporary);
    free(output->name);
    memset(output, 0, sizeof(*output));
}

bool output_commit(struct output *output, struct error *error)
{
    errno = 0;
    bool failed = fflush(output->file) != 0 || ferror(output->file);
    int saved = errno;
    clearerr(output->file); /* told once */
    if (output->owned) {
        if (fclose(output->file) && !failed) {
            failed = true;
            saved = errno;
        }
        output->file = NULL;
        output->owned = false;
    }
    if (!failed && output->temporary && rename(output->temporary, output->target) < 0) {
        failed = true;
        saved = errno;
    }
    if (!failed) {
        release(output);
        return true;
    }
    error_set(error, "%s could not be written%s%s", output->name ? output->name : "the report",
              saved ? ": " : "", saved ? strerror(saved) : "");
    output_abandon(output);
    return false;
}

void output_abandon(struct output *output)
{
    if (output->owned)
        fclose(output->file);
    if (output->temporary)
        unlink(output->temporary);
    release(output);
}

bool output_color(FILE *file, enum option_color color)
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
    return value && strcmp(value, "dumb") && isatty(fileno(file));
}
