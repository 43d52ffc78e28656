#include "proc/address_space.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/search.h"
#include "proc/file.h"
#include "proc/tasks.h"

/* Twice what 65,530 mappings (vm.max_map_count) with the longest paths have. */
enum { MAPS_BYTES_MAX = 512 << 20 };

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

/* sscanf takes too long for 20,000 lines while 10,000 threads are stopped. */
static uint64_t number(char **at, unsigned base)
{
    uint64_t value = 0;
    for (unsigned digit; (digit = digit_of(**at)) < base; (*at)++)
        value = value * base + digit;
    return value;
}

static bool skip(char **at, char expected)
{
    if (**at != expected)
        return false;
    (*at)++;
    return true;
}

/* The kernel writes a newline in a name as \012, and does not escape a backslash. */
static void restore_newlines(char *path)
{
    char *from = strstr(path, "\\012"), *to = from;
    for (; from && *from; to++) {
        bool newline = strncmp(from, "\\012", 4) == 0;
        *to = newline ? '\n' : *from;
        from += newline ? 4 : 1;
    }
    if (to)
        *to = 0;
}

/* "START-END rwxp OFFSET MAJOR:MINOR INODE   PATH" */
static bool parse(char *at, struct region *region)
{
    region->start = number(&at, 16);
    if (!skip(&at, '-'))
        return false;
    region->end = number(&at, 16);
    if (!skip(&at, ' ') || strnlen(at, 5) < 5)
        return false;
    region->readable = at[0] == 'r';
    region->writable = at[1] == 'w';
    region->executable = at[2] == 'x';
    region->shared = at[3] == 's';
    at += 4;
    if (!skip(&at, ' '))
        return false;
    region->offset = number(&at, 16);
    if (!skip(&at, ' '))
        return false;
    region->major = (uint32_t)number(&at, 16);
    if (!skip(&at, ':'))
        return false;
    region->minor = (uint32_t)number(&at, 16);
    if (!skip(&at, ' '))
        return false;
    region->inode = number(&at, 10);
    at += strspn(at, " ");
    region->path = at;
    region->deleted = path_cut_deleted(at);
    restore_newlines(at);
    return region->start < region->end;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

bool address_space_read(struct address_space *space, pid_t task)
{
    size_t length;
    int fd = open(PROC_PATH("%d/maps", task), O_RDONLY | O_CLOEXEC);
    *space = (struct address_space){NULL, 0, NULL};
    if (fd < 0)
        return false;
    space->text = read_all(fd, MAPS_BYTES_MAX, &length);
    int why = errno;
    close(fd);
    errno = why;
    if (!space->text)
        return false;
    space->regions = malloc((count_lines(space->text) + 1) * sizeof(*space->regions));
    if (!space->regions) {
        address_space_release(space);
        return false;
    }
    char *next;
    for (char *line = space->text; (next = strchr(line, '\n')); line = next + 1) {
        *next = 0;
        if (parse(line, &space->regions[space->count]))
            space->count++;
    }
    return true;
}

bool address_space_of_process(struct address_space *space, pid_t pid, pid_t *task)
{
    *task = task_with_memory(pid);
    if (address_space_read(space, *task))
        return true;
    int why = errno;
    bool hidden = pid > 0 && kill(pid, 0) != 0 && errno == EPERM;
    errno = why == ENOENT && hidden ? EACCES : why;
    return false;
}

void address_space_release(struct address_space *space)
{
    free(space->regions);
    free(space->text);
    *space = (struct address_space){NULL, 0, NULL};
}

const struct region *address_space_find(const struct address_space *space, uint64_t address)
{
    size_t at = SEARCH_FIRST(i, space->count, space->regions[i].end > address);
    return at < space->count && space->regions[at].start <= address ? &space->regions[at] : NULL;
}

const struct region *address_space_first(const struct address_space *space, const struct region *region)
{
    enum { MAX_PARTS = 256 }; /* mappings of one file: a core can claim any number */
    size_t end = (size_t)(region - space->regions) + 1;
    for (size_t i = end; i-- > 0 && end - i <= MAX_PARTS;) {
        bool same = region_is_of_same_file(&space->regions[i], region);
        if (same && space->regions[i].offset == 0)
            return &space->regions[i];
        if (!same && space->regions[i].path[0])
            break;
    }
    return region;
}

bool region_is_of_same_file(const struct region *a, const struct region *b)
{
    return a->inode == b->inode && a->major == b->major && a->minor == b->minor &&
           strcmp(a->path, b->path) == 0;
}

bool region_is_of_file(const struct region *region, const struct stat *status)
{
    return region->inode == status->st_ino && region->major == major(status->st_dev) &&
           region->minor == minor(status->st_dev);
}
