/* A snapshot of a process that left a core: what only snapshot*.c and unwind*.c need of it. */
#ifndef THREADLEAK_SNAPSHOT_CORE_H
#define THREADLEAK_SNAPSHOT_CORE_H

#include "core/core.h"
#include "snapshot/snapshot.h"

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

#endif
