/* All mappings of a process, with anonymous ones, at one moment (proc_pid_maps(5)). */
#ifndef THREADLEAK_PROC_ADDRESS_SPACE_H
#define THREADLEAK_PROC_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct region {
    uint64_t start, end, offset, inode;
    uint32_t major, minor; /* numbers of the device */
    bool readable, writable, executable, shared;
    bool deleted;     /* the file was unlinked or replaced */
    const char *path; /* without " (deleted)"; "/memfd:NAME", "[vdso]", "[stack]"…; "" anonymous */
};

struct address_space {
    struct region *regions; /* ascending */
    size_t count;
    char *text; /* of /proc/TASK/maps; the paths point into it */
};

/* Reads it from a thread that has memory. False with errno; then nothing must be released. */
bool address_space_read(struct address_space *space, pid_t task);
/* Reads it from a process. Sets *task to task_with_memory(pid). It is empty for a kernel thread and an ended
 * process. False with errno; EACCES also for a process that hidepid= hides. */
bool address_space_of_process(struct address_space *space, pid_t pid, pid_t *task);
/* The same, but perhaps only the mappings of files. Since Linux 6.11 (PROCMAP_QUERY) these are read alone:
 * beside 10,000 threads with their stacks the whole takes 10 ms. */
bool address_space_of_files(struct address_space *space, pid_t pid, pid_t *task);
void address_space_release(struct address_space *space);
/* The mapping that contains an address, or NULL. */
const struct region *address_space_find(const struct address_space *space, uint64_t address);
/* The nearest mapping of the beginning of the same file, at or before the region; the region itself if there
 * is none. */
const struct region *address_space_first(const struct address_space *space, const struct region *region);
bool region_is_of_same_file(const struct region *a, const struct region *b);
/* Compares device and inode. */
bool region_is_of_file(const struct region *region, const struct stat *status);

#endif
