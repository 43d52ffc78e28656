#include "proc/replaced.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "proc/address_space.h"

/* A file that is mapped from its beginning and elsewhere, too: a program or library. Memory for generated
 * code is one mapping of a file that was never meant to have a name. */
static bool is_program(const struct address_space *space, const struct region *code)
{
    const struct region *first = address_space_first(space, code);
    bool more = false;
    for (size_t i = 0; i < space->count && !more; i++)
        more = space->regions[i].offset > 0 && region_is_of_same_file(&space->regions[i], code);
    return more && first->offset == 0;
}

/* The first bytes of a program: its headers, and mostly its build-id. */
enum { HEAD = 1024 };

/* Has the file at the path of a program other bytes? Device and inode of a mapping and of a path can differ
 * for one file, with overlayfs and btrfs. */
static bool is_hidden(const struct address_space *space, const struct region *region, pid_t task)
{
    const struct region *first = address_space_first(space, region);
    char path[PATH_MAX + 32], mapped[HEAD], there[HEAD];
    struct iovec local = {mapped, HEAD}, remote = {(void *)first->start, HEAD};
    struct stat status;
    int length = snprintf(path, sizeof(path), "/proc/%d/root%s", (int)task, region->path);
    if (first->offset || first->writable || length >= (int)sizeof(path) ||
        process_vm_readv(task, &local, 1, &remote, 1, 0) != HEAD)
        return false;
    int fd = regular_file_open(path, &status);
    bool other = fd >= 0 && (pread_all(fd, 0, there, HEAD) != HEAD || memcmp(there, mapped, HEAD) != 0);
    if (fd >= 0)
        close(fd);
    return other;
}

static bool is_replaced(const struct address_space *space, const struct region *region, pid_t task)
{
    return region->executable && region->inode && *region->path == '/' &&
           !text_begins_with(region->path, "/memfd:") && is_program(space, region) &&
           (region->deleted || is_hidden(space, region, task));
}

static bool is_listed(char *const *paths, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(paths[i], path) == 0)
            return true;
    return false;
}

char **process_replaced_files(pid_t pid)
{
    struct address_space space;
    char **paths = NULL;
    size_t count = 0;
    pid_t task;
    if (!address_space_of_files(&space, pid, &task))
        return NULL;
    for (size_t i = 0; i < space.count; i++) {
        const struct region *region = &space.regions[i];
        if (is_listed(paths, count, region->path) || !is_replaced(&space, region, task))
            continue;
        char **grown = realloc(paths, (count + 2) * sizeof(*paths));
        if (!grown)
            break;
        paths = grown;
        if ((paths[count] = strdup(region->path)))
            paths[++count] = NULL;
    }
    address_space_release(&space);
    return paths;
}
