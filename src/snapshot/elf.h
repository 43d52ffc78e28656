/* ELF files in the memory of the process. */
#ifndef THREADLEAK_SNAPSHOT_ELF_H
#define THREADLEAK_SNAPSHOT_ELF_H

#include <elf.h>

#include "snapshot/snapshot.h"

enum { SNAPSHOT_ELF_SEGMENTS = 64, SNAPSHOT_BUILD_ID = 64 };

struct snapshot_elf {
    uint64_t bias; /* run-time address minus address in the file */
    Elf64_Ehdr header;
    Elf64_Phdr segments[SNAPSHOT_ELF_SEGMENTS];
    size_t count;
    uint8_t build_id[SNAPSHOT_BUILD_ID];
    size_t build_id_len; /* 0: none */
};

/* Reads the headers and the build-id from memory. first: the mapping of the file's beginning
 * (address_space_first). False: it is not a loaded ELF file, or not readable. */
bool snapshot_read_elf(const struct snapshot *snapshot, const struct region *first, struct snapshot_elf *elf);

#endif
