#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/array.h"
#include "base/path.h"
#include "proc/address_space.h"
#include "proc/file.h"
#include "proc/tasks.h"

/* struct procmap_query of <linux/fs.h>, since Linux 6.11. */
struct query {
    uint64_t size, what, address;
    uint64_t start, end, permissions, page_size, offset, inode;
    uint32_t major, minor, name_size, build_id_size;
    uint64_t name, build_id;
};
#define PROCMAP_QUERY _IOWR('f', 17, struct query)
enum { READABLE = 1, WRITABLE = 2, EXECUTABLE = 4, SHARED = 8, COVERING_OR_NEXT = 16, FILE_BACKED = 32 };

enum { NAMES_MAX = 512 << 20 };

struct reading {
    struct address_space space; /* the paths are places in its text until all are read */
    size_t used, room;
};

static bool add_name(struct reading *reading, const char *name)
{
    size_t length = strlen(name) + 1;
    if (reading->used + length > reading->room) {
        size_t room = 2 * reading->room + length;
        char *grown = room <= NAMES_MAX ? realloc(reading->space.text, room) : NULL;
        if (!grown)
            return false;
        reading->space.text = grown;
        reading->room = room;
    }
    memcpy(reading->space.text + reading->used, name, length);
    reading->used += length;
    return true;
}

static bool add_region(struct reading *reading, const struct query *found, char *name)
{
    struct address_space *space = &reading->space;
    size_t place = reading->used;
    bool deleted = path_cut_deleted(name);
    if (!ARRAY_GROW(space->regions, space->count) || !add_name(reading, name))
        return false;
    space->regions[space->count++] = (struct region){.start = found->start,
                                                     .end = found->end,
                                                     .offset = found->offset,
                                                     .inode = found->inode,
                                                     .major = found->major,
                                                     .minor = found->minor,
                                                     .readable = found->permissions & READABLE,
                                                     .writable = found->permissions & WRITABLE,
                                                     .executable = found->permissions & EXECUTABLE,
                                                     .shared = found->permissions & SHARED,
                                                     .deleted = deleted,
                                                     .path = (const char *)place};
    return true;
}

/* False: an older kernel, or the list is not complete. */
static bool read_all_of(int maps, struct reading *reading)
{
    char name[PATH_MAX + 16];
    struct query query = {.address = 0};
    for (;; query.address = query.end) {
        query.size = sizeof(query);
        query.what = COVERING_OR_NEXT | FILE_BACKED;
        query.name = (uint64_t)(uintptr_t)name;
        query.name_size = sizeof(name);
        if (ioctl(maps, PROCMAP_QUERY, &query) != 0)
            return errno == ENOENT && reading->space.count > 0;
        if (query.end <= query.address ||
            !add_region(reading, &query, query.name_size ? name : strcpy(name, "")))
            return false;
    }
}

static bool read_files(struct address_space *space, pid_t task)
{
    struct reading reading = {.used = 0};
    int maps = open(PROC_PATH("%d/maps", task), O_RDONLY | O_CLOEXEC);
    bool done = maps >= 0 && read_all_of(maps, &reading);
    if (maps >= 0)
        close(maps);
    *space = reading.space;
    for (size_t i = 0; done && i < space->count; i++)
        space->regions[i].path = space->text + (size_t)space->regions[i].path;
    if (!done)
        address_space_release(space);
    return done;
}

bool address_space_of_files(struct address_space *space, pid_t pid, pid_t *task)
{
    *task = task_with_memory(pid);
    return read_files(space, *task) || address_space_of_process(space, pid, task);
}
