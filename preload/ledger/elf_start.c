#include "preload/ledger/elf_start.h"

#include <string.h>

#include "preload/shim/readable.h"

#define PAGE_MASK (~(uint64_t)4095)

static bool read_headers(struct elf_start *elf, uint64_t start)
{
    ElfW(Ehdr) head;
    if (!memory_copy(&head, (const void *)start, sizeof(head)))
        return false;
    /* Programs such as patchelf can move the headers away from the first page. */
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)) ||
        head.e_phoff > 4096)
        return false;
    elf->count = head.e_phnum < ELF_HEADERS ? head.e_phnum : ELF_HEADERS;
    return memory_copy(elf->headers, (const void *)(start + head.e_phoff),
                       elf->count * sizeof(*elf->headers));
}

bool elf_start_read(struct elf_start *elf, uint64_t start)
{
    uint64_t low = UINT64_MAX, high = 0;
    if (!read_headers(elf, start))
        return false;
    for (uint32_t i = 0; i < elf->count; i++) {
        const ElfW(Phdr) *header = &elf->headers[i];
        if (header->p_type != PT_LOAD)
            continue;
        low = header->p_vaddr < low ? header->p_vaddr : low;
        high = header->p_vaddr + header->p_memsz > high ? header->p_vaddr + header->p_memsz : high;
    }
    if (high <= low)
        return false;
    elf->bias = start - (low & PAGE_MASK);
    elf->start = start;
    elf->end = elf->bias + high;
    return true;
}

uint64_t elf_start_segment(const struct elf_start *elf, uint32_t type, uint32_t *next, uint64_t *size)
{
    for (; *next < elf->count; (*next)++) {
        const ElfW(Phdr) *header = &elf->headers[*next];
        uint64_t at = elf->bias + header->p_vaddr;
        if (header->p_type != type || at < elf->start || at >= elf->end || header->p_memsz > elf->end - at)
            continue;
        (*next)++;
        *size = header->p_memsz;
        return at;
    }
    return 0;
}
