#include "unwind/file.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/elf.h"

enum { MAX_FILE = 1 << 29 };

static void find_build_id(struct code_file *file, const unsigned char *notes, size_t size)
{
    const unsigned char *id = build_id_find(notes, size, sizeof(file->build_id), &size);
    if (!id)
        return;
    memcpy(file->build_id, id, size);
    file->build_id_len = size;
}

static bool has_build_id(Elf *elf, const struct code_file *wanted)
{
    struct code_file found = {.build_id_len = 0};
    size_t count;
    GElf_Phdr segment;
    if (elf_getphdrnum(elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count && !found.build_id_len; i++) {
        if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_NOTE)
            continue;
        const Elf_Data *data =
            elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_BYTE);
        if (data)
            find_build_id(&found, data->d_buf, data->d_size);
    }
    return found.build_id_len == wanted->build_id_len &&
           memcmp(found.build_id, wanted->build_id, found.build_id_len) == 0;
}

/* Without a build-id, headers are compared: section offsets differ whenever a size has changed. */
static bool is_same_build(Elf *elf, const struct code_file *file, const struct snapshot_elf *mapped)
{
    size_t size;
    const char *raw = elf_rawfile(elf, &size);
    return raw && size >= sizeof(mapped->header) &&
           memcmp(raw, &mapped->header, sizeof(mapped->header)) == 0 && has_build_id(elf, file);
}

struct candidate {
    struct code_file *file;
    const struct snapshot_elf *mapped;
};

/* A snapshot_accept_fn.  The file is mapped and closed: a process may have a thousand libraries. */
static bool use_file(void *arg, int fd)
{
    const struct candidate *candidate = arg;
    struct code_file *file = candidate->file;
    file->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (file->elf && elf_kind(file->elf) == ELF_K_ELF && is_same_build(file->elf, file, candidate->mapped) &&
        elf_cntl(file->elf, ELF_C_FDREAD) == 0) {
        elf_cntl(file->elf, ELF_C_FDDONE);
        close(fd);
        return true;
    }
    elf_end(file->elf);
    close(fd);
    file->elf = NULL;
    return false;
}

static bool open_file(const struct snapshot *snapshot, const struct region *region, struct code_file *file,
                      const struct snapshot_elf *mapped)
{
    return snapshot_find_file(snapshot, region, use_file, &(struct candidate){file, mapped});
}

static bool is_constant(const Elf64_Phdr *segment)
{
    return segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && segment->p_offset < MAX_FILE &&
           segment->p_filesz < MAX_FILE;
}

/* Copies each segment to its offset in the file.  Section headers are not in memory. */
static bool open_memory(const struct snapshot *snapshot, struct code_file *file,
                        const struct snapshot_elf *mapped)
{
    uint64_t size = sizeof(mapped->header);
    for (size_t i = 0; i < mapped->count; i++) {
        const Elf64_Phdr *segment = &mapped->segments[i];
        if (is_constant(segment) && segment->p_offset + segment->p_filesz > size)
            size = segment->p_offset + segment->p_filesz;
    }
    file->memory = calloc(1, size);
    if (!file->memory)
        return false;
    for (size_t i = 0; i < mapped->count; i++) {
        const Elf64_Phdr *segment = &mapped->segments[i];
        if (!is_constant(segment))
            continue;
        size_t got = snapshot_read_some(snapshot, mapped->bias + segment->p_vaddr,
                                        (char *)file->memory + segment->p_offset, segment->p_filesz);
        /* A table would seem to end where its memory is missing. */
        if (got < segment->p_filesz && snapshot_is_partial(snapshot))
            return false;
    }
    Elf64_Ehdr *header = file->memory;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    header->e_shoff = 0;
    header->e_shnum = header->e_shstrndx = 0;
    file->elf = elf_memory(file->memory, size);
    return file->elf != NULL;
}

struct code_file *code_file_open(const struct snapshot *snapshot, const struct region *region)
{
    struct code_file *file = calloc(1, sizeof(*file));
    struct snapshot_elf *mapped = malloc(sizeof(*mapped));
    if (file) {
        file->path = region->path[0] ? region->path : NULL;
        file->bias = region->start - region->offset;
    }
    if (file && mapped &&
        snapshot_read_elf(snapshot, address_space_first(&snapshot->space, region), mapped)) {
        elf_version(EV_CURRENT);
        file->bias = mapped->bias;
        file->build_id_len = mapped->build_id_len;
        memcpy(file->build_id, mapped->build_id, mapped->build_id_len);
        if (open_file(snapshot, region, file, mapped) || open_memory(snapshot, file, mapped))
            file->eh_frame = dwarf_getcfi_elf(file->elf);
    }
    free(mapped);
    return file;
}

void code_file_close(struct code_file *file)
{
    if (!file)
        return;
    if (file->eh_frame)
        dwarf_cfi_end(file->eh_frame);
    if (file->dwarf)
        dwarf_end(file->dwarf);
    if (file->elf)
        elf_end(file->elf);
    free(file->memory);
    free(file);
}
