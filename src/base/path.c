#include "base/path.h"

#include <string.h>

const char *path_basename(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

bool path_cut_deleted(char *path)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(path), tail = sizeof(deleted) - 1;
    if (length <= tail || strcmp(path + length - tail, deleted) != 0)
        return false;
    path[length - tail] = 0;
    return true;
}

bool path_is_libc(const char *path)
{
    const char *name = path ? path_basename(path) : "";
    return strcmp(name, "libc.so.6") == 0 || strcmp(name, "libpthread.so.0") == 0 ||
           strncmp(name, "libc-2.", 7) == 0 || strncmp(name, "libpthread-2.", 13) == 0;
}
