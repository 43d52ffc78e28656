#include "symbolize/process_file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "proc/address_space.h"
#include "proc/file.h"
#include "proc/process.h"
#include "proc/tasks.h"

bool process_file_in_root(pid_t pid, const char *module, process_file_accept_fn *accept, void *arg)
{
    char path[PATH_MAX + 32];
    pid_t task = task_with_memory(pid);
    if (process_has_our_root(task))
        return false;
    int length = snprintf(path, sizeof(path), "/proc/%d/root%s", (int)task, module);
    return length < (int)sizeof(path) && accept(arg, path);
}

bool process_file_mapped(pid_t pid, const char *module, process_file_accept_fn *accept, void *arg)
{
    struct address_space space;
    pid_t task;
    bool found = false;
    if (!address_space_of_files(&space, pid, &task))
        return false;
    for (size_t i = 0; !found && i < space.count; i++) {
        const struct region *region = &space.regions[i];
        if (region->offset == 0 && strcmp(region->path, module) == 0)
            found =
                accept(arg, PROC_PATH("%d/map_files/%" PRIx64 "-%" PRIx64, task, region->start, region->end));
    }
    address_space_release(&space);
    return found;
}
