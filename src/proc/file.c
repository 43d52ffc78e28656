#include "proc/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *proc_path(struct proc_path *path, const char *format, ...)
{
    static const char root[] = "/proc/";
    va_list args;
    memcpy(path->text, root, sizeof(root));
    va_start(args, format);
    vsnprintf(path->text + sizeof(root) - 1, sizeof(path->text) - sizeof(root) + 1, format, args);
    va_end(args);
    return path->text;
}

ssize_t proc_read(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);
    int why = errno;
    if (fd >= 0)
        close(fd);
    to[n > 0 ? n : 0] = 0;
    errno = why;
    return n;
}

long proc_read_number(const char *path, long otherwise)
{
    char text[64];
    return proc_read(path, text, sizeof(text)) > 0 ? strtol(text, NULL, 10) : otherwise;
}

long proc_next_number(DIR *directory)
{
    for (const struct dirent *entry; (entry = readdir(directory));) {
        char *end;
        long number = strtol(entry->d_name, &end, 10);
        if (end != entry->d_name && !*end && number >= 0)
            return number;
    }
    return -1;
}
