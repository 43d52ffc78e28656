#include "snapshot/elf.h"

#include <stdlib.h>
#include <string.h>

#include "base/elf.h"

enum { MAX_NOTES = 1 << 16 };

#define PAGE_START (~(uint64_t)4095)

static bool read_headers(const struct snapshot *snapshot, uint64_t address, struct snapshot_elf *elf)
{
    const Elf64_Ehdr *header = &elf->header;
    if (!snapshot_read_live(snapshot, address, &elf->header, sizeof(elf->header)) ||
        memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > SNAPSHOT_ELF_SEGMENTS)
        return false;
    elf->count = header->e_phnum;
    return snapshot_read_live(snapshot, address + header->e_phoff, elf->segments,
                              elf->count * sizeof(Elf64_Phdr));
}

static bool set_bias(struct snapshot_elf *elf, uint64_t address)
{
    for (size_t i = 0; i < elf->count; i++)
        if (elf->segments[i].p_type == PT_LOAD) {
            elf->bias = address - (elf->segments[i].p_vaddr & PAGE_START);
            return true;
        }
    return false;
}

static void read_build_id(const struct snapshot *snapshot, struct snapshot_elf *elf,
                          const Elf64_Phdr *segment)
{
    size_t size = segment->p_filesz;
    unsigned char *notes = size <= MAX_NOTES ? malloc(size + 1) : NULL;
    if (notes && snapshot_read_live(snapshot, elf->bias + segment->p_vaddr, notes, size)) {
        const unsigned char *id = build_id_find(notes, size, sizeof(elf->build_id), &elf->build_id_len);
        if (id)
            memcpy(elf->build_id, id, elf->build_id_len);
    }
    free(notes);
}

bool snapshot_read_elf(const struct snapshot *snapshot, const struct region *first, struct snapshot_elf *elf)
{
    elf->build_id_len = 0;
    if (first->offset != 0 || !read_headers(snapshot, first->start, elf) || !set_bias(elf, first->start))
        return false;
    for (size_t i = 0; i < elf->count && !elf->build_id_len; i++)
        if (elf->segments[i].p_type == PT_NOTE)
            read_build_id(snapshot, elf, &elf->segments[i]);
    return true;
}
