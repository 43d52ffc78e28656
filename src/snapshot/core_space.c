/* PT_LOAD has the permissions of memory, and NT_FILE has the mapped files. Neither lists all mappings. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/core.h"

#define VSYSCALL 0xffffffffff600000u /* arch/x86/include/uapi/asm/vsyscall.h */

enum { MAX_HEADERS = 64 };

struct sweep {
    const struct core_file *core;
    size_t segment, mapping; /* the next item of each */
};

static void name(struct region *region, const struct core_file *core)
{
    if (core->vdso && core->vdso >= region->start && core->vdso < region->end)
        region->path = "[vdso]";
    else if (core->main_stack >= region->start && core->main_stack < region->end)
        region->path = "[stack]";
#if defined(__x86_64__)
    else if (region->start == VSYSCALL)
        region->path = "[vsyscall]";
#endif
}

static const struct core_segment *next_segment(struct sweep *sweep, uint64_t at)
{
    static const struct core_segment none = {.start = UINT64_MAX, .end = UINT64_MAX};
    const struct core_file *core = sweep->core;
    while (sweep->segment < core->segment_count && core->segments[sweep->segment].end <= at)
        sweep->segment++;
    return sweep->segment < core->segment_count ? &core->segments[sweep->segment] : &none;
}

static const struct core_mapping *next_mapping(struct sweep *sweep, uint64_t at)
{
    static const struct core_mapping none = {.start = UINT64_MAX, .end = UINT64_MAX, .path = ""};
    const struct core_file *core = sweep->core;
    while (sweep->mapping < core->mapping_count && core->mappings[sweep->mapping].end <= at)
        sweep->mapping++;
    return sweep->mapping < core->mapping_count ? &core->mappings[sweep->mapping] : &none;
}

/* The region at `at`, or else the next one above. False: there is none. */
static bool next_region(struct sweep *sweep, uint64_t at, struct region *region)
{
    const struct core_segment *segment = next_segment(sweep, at);
    const struct core_mapping *mapping = next_mapping(sweep, at);
    uint64_t start = segment->start < mapping->start ? segment->start : mapping->start;
    if (start == UINT64_MAX)
        return false;
    start = start > at ? start : at;
    bool in_segment = segment->start <= start, in_mapping = mapping->start <= start;
    uint64_t segment_end = in_segment ? segment->end : segment->start;
    uint64_t mapping_end = in_mapping ? mapping->end : mapping->start;
    *region = (struct region){.start = start, .path = ""};
    region->end = segment_end < mapping_end ? segment_end : mapping_end;
    if (in_segment) {
        region->readable = segment->readable;
        region->writable = segment->writable;
        region->executable = segment->executable;
    }
    if (in_mapping) {
        region->path = mapping->path;
        region->deleted = mapping->deleted;
        region->offset = mapping->offset + (start - mapping->start);
    } else {
        name(region, sweep->core);
    }
    return true;
}

/* gcore omits memory that a file has, but not the file's ELF header.  The program headers
 * there have the permissions of the mapping. */
static bool find_flags(const struct core_file *core, uint64_t header_at, struct region *region)
{
    Elf64_Ehdr header;
    Elf64_Phdr segments[MAX_HEADERS];
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (core_file_read(core, header_at, &header, sizeof(header)) != sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > MAX_HEADERS)
        return false;
    size_t size = header.e_phnum * sizeof(Elf64_Phdr);
    if (core_file_read(core, header_at + header.e_phoff, segments, size) != size)
        return false;
    for (size_t i = 0; i < header.e_phnum; i++) {
        uint64_t first = segments[i].p_offset & ~(page - 1);
        if (segments[i].p_type != PT_LOAD || region->offset < first ||
            region->offset - first >= segments[i].p_filesz + (segments[i].p_offset - first) ||
            (segments[i].p_flags & PF_W))
            continue;
        region->readable = segments[i].p_flags & PF_R;
        region->executable = segments[i].p_flags & PF_X;
        return true;
    }
    return false;
}

static void set_flags(const struct core_file *core, const struct address_space *space, struct region *region)
{
    if (!region->path[0] || core_file_find(core, region->start))
        return;
    /* Memory that was written to would have been dumped. */
    const struct region *first = address_space_first(space, region);
    if (first->offset != 0 || !find_flags(core, first->start, region))
        region->readable = region->executable = true;
}

bool core_space_make(struct address_space *space, const struct core_file *core)
{
    struct sweep sweep = {.core = core};
    size_t count = 0;
    *space = (struct address_space){NULL, 0, NULL};
    space->regions = malloc((2 * (core->segment_count + core->mapping_count) + 1) * sizeof(*space->regions));
    if (!space->regions)
        return false;
    for (uint64_t at = 0; next_region(&sweep, at, &space->regions[count]); count++)
        at = space->regions[count].end;
    space->count = count;
    for (size_t i = 0; i < count; i++)
        set_flags(core, space, &space->regions[i]);
    return true;
}
