/* Reads the memory of a live process, and opens its files. */
#ifndef THREADLEAK_SNAPSHOT_PROCESS_MEMORY_H
#define THREADLEAK_SNAPSHOT_PROCESS_MEMORY_H

#include "snapshot/snapshot.h"

/* A thread of the process that has memory; the previous one if there is no such thread any more. */
pid_t process_living_task(const struct snapshot *snapshot);
/* Returns how many bytes, counted from `address`, could be read. */
size_t process_read(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);
/* Fills in planned copies, many with one system call. Sets the size of each to the bytes that could be
 * read. */
void process_read_copies(const struct snapshot *snapshot, struct snapshot_copy **copies, size_t count);

/* As snapshot_find_file. The process may have another root directory, as in a container. map_files also has
 * unlinked files, but needs privileges. */
bool process_find_file(const struct snapshot *snapshot, const struct region *region,
                       snapshot_accept_fn *accept, void *arg);

#endif
