#include "preload/ledger/module.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "preload/ledger/section.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

/* Since glibc 2.35: lock-free, and safe in a signal handler.  NULL before. */
extern __typeof(_dl_find_object) _dl_find_object __attribute__((weak));

struct found {
    uint64_t pc, bias, start, end;
    const char *path; /* from the loader: "" for the program; can be relative */
    const ElfW(Phdr) * headers;
    size_t header_count;
};

static int match_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct found *found = arg;
    (void)size;
    uint64_t low = UINT64_MAX, high = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD)
            continue;
        uint64_t start = info->dlpi_addr + header->p_vaddr;
        low = start < low ? start : low;
        high = start + header->p_memsz > high ? start + header->p_memsz : high;
    }
    if (found->pc < low || found->pc >= high)
        return 0;
    found->bias = info->dlpi_addr;
    found->start = low;
    found->end = high;
    found->path = info->dlpi_name;
    found->headers = info->dlpi_phdr;
    found->header_count = info->dlpi_phnum;
    return 1;
}

static bool find_module(struct found *found, uint64_t pc)
{
    struct dl_find_object object;

    found->pc = pc;
    if (!_dl_find_object)
        return dl_iterate_phdr(match_module, found) != 0;
    if (_dl_find_object((void *)pc, &object) != 0)
        return false;
    const struct link_map *map = object.dlfo_link_map;
    found->bias = map->l_addr;
    found->start = (uint64_t)object.dlfo_map_start;
    found->end = (uint64_t)object.dlfo_map_end;
    found->path = map->l_name;
    found->header_count = 0;
    /* The ELF header is at the start of the mapping. */
    const ElfW(Ehdr) *elf = object.dlfo_map_start;
    if (memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0 && elf->e_phentsize == sizeof(ElfW(Phdr)) &&
        elf->e_phoff + elf->e_phnum * sizeof(ElfW(Phdr)) <= 4096) {
        found->headers = (const void *)((const char *)elf + elf->e_phoff);
        found->header_count = elf->e_phnum;
    }
    return true;
}

int module_describe(uint64_t pc, struct dl_phdr_info *info)
{
    struct found found;
    if (!_dl_find_object)
        return -1;
    if (!find_module(&found, pc) || found.header_count == 0)
        return 0;
    memset(info, 0, sizeof(*info));
    info->dlpi_addr = found.bias;
    info->dlpi_name = found.path;
    info->dlpi_phdr = found.headers;
    info->dlpi_phnum = (ElfW(Half))found.header_count;
    return 1;
}

static void copy_build_id(const struct found *found, struct ledger_module *module)
{
    for (size_t i = 0; i < found->header_count; i++) {
        const ElfW(Phdr) *header = &found->headers[i];
        if (header->p_type != PT_NOTE)
            continue;
        const char *at = (const char *)found->bias + header->p_vaddr;
        const char *end = at + header->p_memsz;
        if ((uint64_t)at < found->start || (uint64_t)end > found->end)
            continue;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const void *)at;
            const char *name = at + sizeof(*note);
            const char *desc = name + ((note->n_namesz + 3) & ~3u);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
                note->n_descsz <= sizeof(module->build_id) && memcmp(name, "GNU", 4) == 0) {
                memcpy(module->build_id, desc, note->n_descsz);
                module->build_id_len = note->n_descsz;
                return;
            }
            at = desc + ((note->n_descsz + 3) & ~3u);
        }
    }
}

/* Makes the path of the loader absolute. */
static bool absolute_path(char *out, size_t size, const char *path)
{
    struct text text = text_in(out, size);
    if (!*path) {
        text_string(&text, shim_config.exe);
        return text.length > 0 && !text.overflow;
    }
    if (*path != '/' && strchr(path, '/')) {
        long n = SYS2(getcwd, out, size);
        if (n > 1 && out[0] == '/') {
            text.length = (size_t)n - 1;
            text_string(&text, "/");
        }
        while (path[0] == '.' && path[1] == '/')
            path += 2;
    }
    text_string(&text, path);
    return !text.overflow;
}

static bool same_module(const struct shim_state *state, const struct ledger_module *known,
                        const struct ledger_module *found, const char *path)
{
    return known->path && known->build_id_len == found->build_id_len &&
           memcmp(known->build_id, found->build_id, found->build_id_len) == 0 &&
           strcmp(state->strings + known->path, path) == 0;
}

/* LEDGER_NO_MODULE: the table is full, or the path is too long. */
static uint32_t module_index(struct shim_state *state, const struct found *found)
{
    char path[512]; /* the stack may be small */
    struct ledger_module module = {.bias = found->bias, .start = found->start, .end = found->end};

    if (!absolute_path(path, sizeof(path), found->path))
        return LEDGER_NO_MODULE;
    copy_build_id(found, &module);
    uint32_t used = ledger_used(state->header, SECTION_MODULES);
    for (uint32_t i = 0; i < used; i++)
        if (same_module(state, &state->modules[i], &module, path))
            return i;
    module.path = ledger_store_string(state, path, (uint32_t)strlen(path));
    uint32_t index = module.path ? ledger_take(state, SECTION_MODULES, 1) : UINT32_MAX;
    if (index >= LEDGER_NO_MODULE)
        return LEDGER_NO_MODULE;
    state->modules[index] = module;
    return index;
}

ledger_pc module_encode(struct shim_state *state, uint64_t pc)
{
    struct found found;
    uint32_t index = LEDGER_NO_MODULE;
    uint64_t offset = pc;

    /* A return address can be one byte after the end of its function and module. */
    if (find_module(&found, pc) || find_module(&found, pc - 1)) {
        index = module_index(state, &found);
        if (index != LEDGER_NO_MODULE)
            offset = pc - found.bias;
    }
    return (uint64_t)index << 48 | (offset & LEDGER_PC_OFFSET_MASK);
}
