/* Opens a core: its headers and notes. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elf.h"
#include "base/file.h"
#include "core/notes.h"

enum {
    MAX_HEADERS = 1 << 20, /* vm.max_map_count is 65530 unless changed */
    MAX_NOTES = 1 << 21,
    HEADERS_AT_ONCE = 64,
};

/* ---- the file ------------------------------------------------------------------- */

static bool is_core(const Elf64_Ehdr *header, size_t got)
{
    if (got < EI_NIDENT + sizeof(header->e_type) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    bool swapped = header->e_ident[EI_DATA] != OUR_ELF_BYTE_ORDER;
    return (swapped ? __builtin_bswap16(header->e_type) : header->e_type) == ET_CORE;
}

bool core_file_is(const char *path)
{
    struct stat status;
    Elf64_Ehdr header = {.e_type = ET_NONE};
    int fd = regular_file_open(path, &status);
    if (fd < 0)
        return false;
    bool is = is_core(&header, pread_all(fd, 0, &header, sizeof(header)));
    close(fd);
    return is;
}

/* ---- headers ---------------------------------------------------------------------- */

static bool is_of_this_machine(const struct core_file *core, const Elf64_Ehdr *header, size_t got,
                               struct error *error)
{
    if (!is_core(header, got))
        return error_set(error, "%s is not a core file", core->path);
    if (header->e_ident[EI_CLASS] == ELFCLASS32)
        return error_set(error, "%s is the core of a 32-bit program, which threadleak does not read",
                         core->path);
    if (header->e_ident[EI_DATA] != OUR_ELF_BYTE_ORDER || header->e_machine != OUR_ELF_MACHINE)
        return error_set(
            error,
            "%s is a core of another architecture (ELF machine %u); use a threadleak for that architecture",
            core->path,
            header->e_ident[EI_DATA] == OUR_ELF_BYTE_ORDER ? header->e_machine
                                                           : __builtin_bswap16(header->e_machine));
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr))
        return error_set(error, "%s is damaged: its header is not that of a core file", core->path);
    return true;
}

/* If there are more headers than e_phnum can count, section 0 has their number (elf(5), PN_XNUM). */
static uint64_t count_headers(const struct core_file *core, const Elf64_Ehdr *header)
{
    Elf64_Shdr section;
    if (header->e_phnum != PN_XNUM)
        return header->e_phnum;
    if (core_file_pread(core, header->e_shoff, &section, sizeof(section)) != sizeof(section))
        return PN_XNUM;
    return section.sh_info;
}

static void add_segment(struct core_file *core, const Elf64_Phdr *header)
{
    struct core_segment *segment = &core->segments[core->segment_count];
    if (__builtin_add_overflow(header->p_vaddr, header->p_memsz, &segment->end) || header->p_memsz == 0)
        return;
    segment->start = header->p_vaddr;
    segment->offset = header->p_offset;
    segment->dumped = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz;
    segment->readable = header->p_flags & PF_R;
    segment->writable = header->p_flags & PF_W;
    segment->executable = header->p_flags & PF_X;
    core->segment_count++;
}

struct totals {
    uint64_t claimed,
        present; /* bytes of all segments and notes: according to the headers, and in the file */
    bool damaged;
    struct core_notes notes;
};

static void count_bytes(const struct core_file *core, const Elf64_Phdr *header, struct totals *totals)
{
    uint64_t present = header->p_offset < core->size ? core->size - header->p_offset : 0;
    /* The sum is cut at 2^63. */
    uint64_t claimed = header->p_filesz < (uint64_t)INT64_MAX - totals->claimed
                           ? header->p_filesz
                           : (uint64_t)INT64_MAX - totals->claimed;
    totals->claimed += claimed;
    totals->present += present < claimed ? present : claimed;
}

static bool take_header(struct core_file *core, const Elf64_Phdr *header, struct totals *totals)
{
    if (header->p_type != PT_LOAD && header->p_type != PT_NOTE)
        return true;
    count_bytes(core, header, totals);
    if (header->p_type == PT_LOAD) {
        add_segment(core, header);
        return true;
    }
    /* binutils' bfd sets the flag, the kernel does not. */
    core->by_debugger |= header->p_flags & PF_R;
    return core_notes_read(core, &totals->notes, header->p_offset, header->p_filesz);
}

static bool read_headers(struct core_file *core, const Elf64_Ehdr *header, struct totals *totals)
{
    Elf64_Phdr headers[HEADERS_AT_ONCE];
    uint64_t claimed = count_headers(core, header), fitting = 0;
    if (header->e_phoff < core->size)
        fitting = (core->size - header->e_phoff) / sizeof(Elf64_Phdr);
    uint64_t count = claimed < fitting ? claimed : fitting;
    count = count < MAX_HEADERS ? count : MAX_HEADERS;
    totals->damaged |= count < claimed;
    core->segments = calloc(count + 1, sizeof(*core->segments));
    if (!core->segments)
        return false;
    for (uint64_t i = 0; i < count; i += HEADERS_AT_ONCE) {
        size_t batch = count - i < HEADERS_AT_ONCE ? count - i : HEADERS_AT_ONCE;
        size_t got = core_file_pread(core, header->e_phoff + i * sizeof(Elf64_Phdr), headers,
                                     batch * sizeof(Elf64_Phdr));
        for (size_t j = 0; j < got / sizeof(Elf64_Phdr); j++)
            if (!take_header(core, &headers[j], totals))
                return false;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct core_segment *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* No process has overlapping segments. The first one is kept. */
static void sort_segments(struct core_file *core, struct totals *totals)
{
    size_t kept = 0;
    qsort(core->segments, core->segment_count, sizeof(*core->segments), by_start);
    for (size_t i = 0; i < core->segment_count; i++) {
        if (kept && core->segments[i].start < core->segments[kept - 1].end)
            totals->damaged = true;
        else
            core->segments[kept++] = core->segments[i];
    }
    core->segment_count = kept;
}

/* ---- all of it --------------------------------------------------------------------- */

static void set_notice(struct core_file *core, const struct totals *totals)
{
    bool cut = totals->present < totals->claimed;
    if (cut)
        error_set(&core->notice,
                  "%s is truncated: %" PRIu64 " of its %" PRIu64
                  " bytes are missing, threads and stacks perhaps among them; check ulimit -c and disk space",
                  core->path, totals->claimed - totals->present, totals->claimed);
    else if (totals->damaged || totals->notes.cut)
        error_set(&core->notice, "%s is damaged or truncated: some of its threads and memory may be missing",
                  core->path);
    else if (core->thread_count == 0)
        error_set(&core->notice, "%s contains the registers of no thread, so there are no stacks",
                  core->path);
}

static bool read_core(struct core_file *core, struct error *error)
{
    Elf64_Ehdr header = {.e_type = ET_NONE};
    struct totals totals = {.notes.quota = MAX_NOTES};
    if (!is_of_this_machine(core, &header, core_file_pread(core, 0, &header, sizeof(header)), error))
        return false;
    if (!read_headers(core, &header, &totals))
        return error_set(error, "%s: out of memory", core->path);
    sort_segments(core, &totals);
    if (core->thread_count == 0 && core->segment_count == 0)
        return error_set(error, "%s is truncated or damaged: it contains neither a thread nor memory",
                         core->path);
    /* gcore writes it for a breakpoint, after which the process continued. */
    if (core->by_debugger && core->signal == SIGTRAP)
        core->signal = core->crashed = 0;
    set_notice(core, &totals);
    return true;
}

struct core_file *core_file_open(const char *path, struct error *error)
{
    struct stat status;
    struct core_file *core = calloc(1, sizeof(*core));
    if (core)
        core->path = strdup(path);
    if (!core || !core->path) {
        free(core);
        error_set(error, "%s: out of memory", path);
        return NULL;
    }
    core->fd = regular_file_open(path, &status);
    if (core->fd < 0) {
        error_set(error, "%s: %s", path, errno == EINVAL ? "not a regular file" : strerror(errno));
    } else {
        core->size = (uint64_t)status.st_size;
        core->written = status.st_mtim;
        if (read_core(core, error))
            return core;
    }
    core_file_close(core);
    return NULL;
}
