/* The ELF header and program headers of a mapped file, which another thread may unmap meanwhile. */
#ifndef THREADLEAK_PRELOAD_LEDGER_ELF_START_H
#define THREADLEAK_PRELOAD_LEDGER_ELF_START_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#define ELF_HEADERS 16 /* the linkers write 9 to 14 */

struct elf_start {
    uint64_t bias, start, end; /* start: of the first segment, where the header is */
    uint32_t count;
    ElfW(Phdr) headers[ELF_HEADERS];
};

/* start: where the file is mapped from its beginning. False: no ELF file, or it is no longer there. */
bool elf_start_read(struct elf_start *elf, uint64_t start);

/* The address of the first header of a type from `*next` on; 0: no more. */
uint64_t elf_start_segment(const struct elf_start *elf, uint32_t type, uint32_t *next, uint64_t *size);

#endif
