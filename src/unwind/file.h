/* The ELF files whose code a process runs, and images that are only in its memory. */
#ifndef THREADLEAK_UNWIND_FILE_H
#define THREADLEAK_UNWIND_FILE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "snapshot/elf.h"

struct code_file {
    const char *path; /* of the mapping, or NULL: anonymous */
    uint8_t build_id[SNAPSHOT_BUILD_ID];
    size_t build_id_len; /* 0: none */
    uint64_t bias;       /* run-time address minus address in the file */
    Dwarf_CFI *eh_frame; /* NULL: none */
    Dwarf_CFI *debug_frame;
    Dwarf *dwarf;
    Elf *elf;     /* NULL: neither the file nor its image could be read */
    void *memory; /* a copy of the image in memory, which elf uses; NULL: elf uses the file */
};

/* The file that a mapping with code belongs to; NULL: out of memory. */
struct code_file *code_file_open(const struct snapshot *snapshot, const struct region *region);
void code_file_close(struct code_file *file);

#endif
