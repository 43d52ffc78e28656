/* The data of a core file's snapshot. Private to core*.c. */
#ifndef THREADLEAK_SNAPSHOT_CORE_H
#define THREADLEAK_SNAPSHOT_CORE_H

#include "core/core.h"
#include "snapshot/snapshot.h"

struct snapshot_core {
    const struct core_file *file;
    struct core_image *images; /* the first mapping of each requested file */
    size_t image_count;
    struct core_page *pages; /* the latest that was read */
    uint64_t readable;       /* bytes that may still be read */
};

/*
 * Opens the file at the region's path, if it is the build that was mapped. Most cores leave out the contents
 * of mapped files, so this file replaces them. The page with the ELF header must have been dumped and be
 * equal to the file's, and so must all ELF notes, among them the build-id. A file without a build-id must not
 * have been changed since the core was written. Returns a descriptor that `core` owns, or -1.
 */
int core_image_of(struct snapshot_core *core, const struct address_space *space, const struct region *region);
void core_images_release(struct snapshot_core *core);

/* The mappings of the core as an address space. False: out of memory. */
bool core_space_make(struct address_space *space, const struct core_file *file);

#endif
