#include "wait/module.h"

#include <stdlib.h>
#include <string.h>

#include "base/search.h"

/* Reads the first mapping of a file. False: it is not a loaded ELF file. */
static bool read_module(struct module *module, const struct snapshot *snapshot, const struct region *region)
{
    struct snapshot_elf elf;
    uint64_t end = 0;
    if (!snapshot_read_elf(snapshot, region, &elf))
        return false;
    for (size_t i = 0; i < elf.count; i++)
        if (elf.segments[i].p_type == PT_LOAD && elf.segments[i].p_vaddr + elf.segments[i].p_memsz > end)
            end = elf.segments[i].p_vaddr + elf.segments[i].p_memsz;
    *module = (struct module){.start = region->start,
                              .end = elf.bias + end,
                              .bias = elf.bias,
                              .path = region->path,
                              .build_id_len = elf.build_id_len};
    memcpy(module->build_id, elf.build_id, elf.build_id_len);
    return module->start < module->end;
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
    /* The nearest one may be a file that was mapped as data between the segments of another. */
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
