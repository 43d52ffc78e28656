/* A snapshot of a process that left a core: what only snapshot*.c and unwind*.c need of it. */
#ifndef THREADLEAK_SNAPSHOT_CORE_H
#define THREADLEAK_SNAPSHOT_CORE_H

#include "core_file.h"
#include "snapshot.h"

/* Files are mostly left out of cores.  The ones at the paths that were mapped stand
 * in for them, where they are proven to be the same build. */
struct snapshot_core {
    const struct core_file *core;
    struct core_image *images; /* the first mapping of each file that was asked for */
    size_t image_count;
    struct core_page *pages; /* read last */
    uint64_t left;           /* bytes that may still be read */
};

void snapshot_core_free(struct snapshot_core *core);

/* The mappings of the core as an address space. False: out of memory. */
bool core_space_make(struct address_space *space, const struct core_file *core);

/*
 * The file at the region's path, when it is the build that was mapped: a descriptor
 * that stays the snapshot's, or -1.  The page with the ELF header must have been
 * dumped, and be the file's; so must be all ELF notes, among which is the build-id.
 * A file without one must not have been changed since the core was written.
 */
int snapshot_core_image(const struct snapshot *snapshot, const struct region *region);

#endif
