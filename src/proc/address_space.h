/* Every mapping of a process, anonymous ones included, as of one moment. */
#ifndef THREADLEAK_PROC_ADDRESS_SPACE_H
#define THREADLEAK_PROC_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct region {
    uint64_t start, end, offset, inode;
    uint32_t major, minor; /* of the device */
    bool readable, writable, executable;
    bool deleted;     /* the file has no name any more, or a newer file has it */
    const char *path; /* without " (deleted)"; "[vdso]", "[stack]"…; "" anonymous */
};

struct address_space {
    struct region *regions; /* ascending */
    size_t count;
    char *text; /* of /proc/TASK/maps; the paths point into it */
};

/* Task: any living thread of the process.  False with errno. */
bool address_space_read(struct address_space *space, pid_t task);
void address_space_release(struct address_space *space);
/* The mapping that holds an address, or NULL. */
const struct region *address_space_find(const struct address_space *space, uint64_t address);
/* The nearest mapping of the same file, at or before the region, that is of its beginning;
 * the region itself when there is none. */
const struct region *address_space_first(const struct address_space *space, const struct region *region);
bool region_is_of_same_file(const struct region *a, const struct region *b);

#endif
