#include "proc/replaced.h"

#include <stdlib.h>
#include <string.h>

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

static bool is_replaced(const struct address_space *space, const struct region *region)
{
    return region->deleted && region->executable && region->inode && *region->path == '/' &&
           !text_begins_with(region->path, "/memfd:") && is_program(space, region);
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
    if (!address_space_of_process(&space, pid, &task))
        return NULL;
    for (size_t i = 0; i < space.count; i++) {
        const struct region *region = &space.regions[i];
        if (!is_replaced(&space, region) || is_listed(paths, count, region->path))
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
