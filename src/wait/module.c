#include "wait/module.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/build_id.h"
#include "base/search.h"

enum { MAX_HEADERS = 64, MAX_NOTES = 4096 };

static void read_notes(struct module *module, const struct snapshot *snapshot, const Elf64_Phdr *header)
{
    unsigned char notes[MAX_NOTES];
    size_t size = header->p_filesz < sizeof(notes) ? header->p_filesz : sizeof(notes);
    if (!snapshot_read_live(snapshot, module->bias + header->p_vaddr, notes, size))
        return;
    const unsigned char *id = build_id_find(notes, size, sizeof(module->build_id), &module->build_id_len);
    if (id)
        memcpy(module->build_id, id, module->build_id_len);
}

/* From the first mapping of a file.  False: it is no ELF file, or has no PT_LOAD. */
static bool read_module(struct module *module, const struct snapshot *snapshot, const struct region *region)
{
    Elf64_Ehdr elf;
    Elf64_Phdr headers[MAX_HEADERS];
    if (!snapshot_read_live(snapshot, region->start, &elf, sizeof(elf)) ||
        memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
        elf.e_phentsize != sizeof(headers[0]) || elf.e_phnum > MAX_HEADERS ||
        elf.e_phoff > region->end - region->start ||
        !snapshot_read_live(snapshot, region->start + elf.e_phoff, headers, elf.e_phnum * sizeof(headers[0])))
        return false;
    bool loaded = false;
    uint64_t end = 0;
    *module = (struct module){.path = region->path, .start = region->start};
    for (size_t i = 0; i < elf.e_phnum; i++) {
        if (headers[i].p_type != PT_LOAD)
            continue;
        if (!loaded)
            module->bias = region->start - (headers[i].p_vaddr - headers[i].p_offset);
        loaded = true;
        if (headers[i].p_vaddr + headers[i].p_memsz > end)
            end = headers[i].p_vaddr + headers[i].p_memsz;
    }
    module->end = module->bias + end;
    for (size_t i = 0; i < elf.e_phnum && !module->build_id_len; i++)
        if (headers[i].p_type == PT_NOTE)
            read_notes(module, snapshot, &headers[i]);
    return loaded && module->start < module->end;
}

bool modules_read(struct modules *modules, const struct snapshot *snapshot)
{
    const struct address_space *space = &snapshot->space;
    size_t count = 0;
    for (size_t i = 0; i < space->count; i++)
        count += space->regions[i].path[0] == '/' && space->regions[i].offset == 0;
    modules->count = 0;
    modules->items = malloc((count + 1) * sizeof(*modules->items));
    if (!modules->items)
        return false;
    for (size_t i = 0; i < space->count; i++) {
        const struct region *region = &space->regions[i];
        if (region->path[0] == '/' && region->offset == 0 && region->readable &&
            read_module(&modules->items[modules->count], snapshot, region))
            modules->count++;
    }
    return true;
}

void modules_release(struct modules *modules)
{
    free(modules->items);
    *modules = (struct modules){NULL, 0};
}

const struct module *modules_find(const struct modules *modules, uint64_t address)
{
    size_t at = SEARCH_FIRST(i, modules->count, modules->items[i].start > address);
    /* The nearest one may be a file that was mapped to be read, between the segments of another. */
    while (at-- > 0)
        if (address < modules->items[at].end)
            return &modules->items[at];
    return NULL;
}

struct code_address module_address(const struct module *module, uint64_t address)
{
    return (struct code_address){
        .module = module->path,
        .build_id = module->build_id_len ? module->build_id : NULL,
        .build_id_len = module->build_id_len,
        .offset = address - module->bias,
        .pc = address,
    };
}
