/*
 * The source of a snapshot's memory and files: one const struct of functions for a live process (live.c), one
 * for a core file (core.c).
 *
 * To add a source, write a file with its struct snapshot_source and the function that makes the snapshot.
 * Declare that function in snapshot.h.
 */
#ifndef THREADLEAK_SNAPSHOT_SOURCE_H
#define THREADLEAK_SNAPSHOT_SOURCE_H

#include "snapshot/snapshot.h"

struct snapshot_source {
    /* Reads memory that was not copied. Returns how many bytes from `address` on it could read. */
    size_t (*read)(const struct snapshot *snapshot, uint64_t address, void *to, size_t size);
    /* As snapshot_find_file. */
    bool (*find_file)(const struct snapshot *snapshot, const struct region *region,
                      snapshot_accept_fn *accept, void *arg);
    /* As snapshot_deepen. NULL: `read` can read all memory. */
    void (*deepen)(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count);
    /* As snapshot_living_task.  NULL: nothing in /proc belongs to the process. */
    pid_t (*living_task)(const struct snapshot *snapshot);
    /* Frees snapshot->source_data.  NULL: there is none. */
    void (*free_data)(void *source_data);
    bool is_frozen;  /* writable memory does not change after the snapshot */
    bool is_partial; /* memory of the process can be missing */
};

#endif
