/* Every mapping of a process, anonymous ones included, at one moment (proc_pid_maps(5)). */
#ifndef THREADLEAK_PROC_ADDRESS_SPACE_H
#define THREADLEAK_PROC_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct region {
    uint64_t start, end, offset, inode;
    uint32_t major, minor; /* of the device */
    bool readable, writable, executable, shared;
    bool deleted;     /* the file has no name any more, or a newer file has that name */
    const char *path; /* without " (deleted)"; "/memfd:NAME", "[vdso]", "[stack]"…; "" anonymous */
};

struct address_space {
    struct region *regions; /* ascending */
    size_t count;
    char *text; /* of /proc/TASK/maps; the paths point into it */
};

/* Of a thread that has memory.  False with errno; nothing must be released then. */
bool address_space_read(struct address_space *space, pid_t task);
/* Of a process, through task_with_memory(pid), which *task is set to.  Empty for a thread of the kernel and a
 * process that has ended.  False with errno; EACCES also for a process that hidepid= hides. */
bool address_space_of_process(struct address_space *space, pid_t pid, pid_t *task);
void address_space_release(struct address_space *space);
/* The mapping that holds an address, or NULL. */
const struct region *address_space_find(const struct address_space *space, uint64_t address);
/* The nearest mapping of the beginning of the same file, at or before the region; the region itself when
 * there is none. */
const struct region *address_space_first(const struct address_space *space, const struct region *region);
bool region_is_of_same_file(const struct region *a, const struct region *b);
/* By device and inode. */
bool region_is_of_file(const struct region *region, const struct stat *status);

#endif
