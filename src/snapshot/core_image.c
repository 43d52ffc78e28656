/* Files that replace memory that was not dumped, and the proof that they are the same build. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elf.h"
#include "base/file.h"
#include "snapshot/core.h"

enum {
    MAX_IMAGES = 128, /* each has an open file */
    MAX_HEADERS = 64,
    MAX_NOTES = 1 << 16,
    HEADER_PAGE = 4096,
};

#define PAGE_START (~(uint64_t)4095)

struct core_image {
    const struct region *first;
    int fd; /* -1: no such file, or another build */
};

/* The file's headers, from the memory in the core. */
struct proof {
    const struct core_file *core;
    uint64_t bias;
    Elf64_Phdr segments[MAX_HEADERS];
    size_t count;
    bool has_build_id;
};

static bool has_same_notes(struct proof *proof, int fd, const Elf64_Phdr *segment)
{
    size_t size = segment->p_filesz;
    unsigned char *notes = size <= MAX_NOTES ? malloc(2 * size + 1) : NULL;
    bool same = notes && core_file_read(proof->core, proof->bias + segment->p_vaddr, notes, size) == size &&
                segment->p_offset <= INT64_MAX &&
                pread(fd, notes + size, size, (off_t)segment->p_offset) == (ssize_t)size &&
                memcmp(notes, notes + size, size) == 0;
    proof->has_build_id |= same && build_id_find(notes, size, size, &size);
    free(notes);
    return same;
}

static bool take_headers(struct proof *proof, const unsigned char *page, size_t size, uint64_t address)
{
    Elf64_Ehdr header;
    if (size < sizeof(header))
        return false;
    memcpy(&header, page, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > MAX_HEADERS || header.e_phoff > size ||
        header.e_phnum * sizeof(Elf64_Phdr) > size - header.e_phoff)
        return false;
    proof->count = header.e_phnum;
    memcpy(proof->segments, page + header.e_phoff, proof->count * sizeof(Elf64_Phdr));
    for (size_t i = 0; i < proof->count; i++)
        if (proof->segments[i].p_type == PT_LOAD) {
            proof->bias = address - (proof->segments[i].p_vaddr & PAGE_START);
            return true;
        }
    return false;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static bool is_same_build(const struct core_file *core, const struct region *first, int fd,
                          const struct stat *status)
{
    unsigned char dumped[HEADER_PAGE], now[HEADER_PAGE];
    struct proof proof = {.core = core};
    size_t size = core_file_read(core, first->start, dumped, sizeof(dumped));
    if (!take_headers(&proof, dumped, size, first->start) || pread(fd, now, size, 0) != (ssize_t)size ||
        memcmp(dumped, now, size) != 0)
        return false;
    for (size_t i = 0; i < proof.count; i++)
        if (proof.segments[i].p_type == PT_NOTE && !has_same_notes(&proof, fd, &proof.segments[i]))
            return false;
    return proof.has_build_id || is_older(&status->st_mtim, &core->written);
}

int core_image_of(struct snapshot_core *core, const struct address_space *space, const struct region *region)
{
    const struct region *first = address_space_first(space, region);
    struct stat status;
    if (first->offset != 0 || first->path[0] != '/')
        return -1;
    for (size_t i = 0; i < core->image_count; i++)
        if (core->images[i].first == first)
            return core->images[i].fd;
    if (!core->images)
        core->images = calloc(MAX_IMAGES, sizeof(*core->images));
    if (!core->images || core->image_count == MAX_IMAGES)
        return -1;
    int fd = regular_file_open(first->path, &status);
    if (fd >= 0 && !is_same_build(core->file, first, fd, &status)) {
        close(fd);
        fd = -1;
    }
    core->images[core->image_count++] = (struct core_image){first, fd};
    return fd;
}

void core_images_release(struct snapshot_core *core)
{
    for (size_t i = 0; i < core->image_count; i++)
        if (core->images[i].fd >= 0)
            close(core->images[i].fd);
    free(core->images);
}
