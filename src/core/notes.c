#include "core/notes.h"

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"

enum {
    MAX_THREADS = 1 << 18,
    MAX_FILE_NOTE = 1 << 26, /* bytes; the kernel's own bound is 4 MiB */
    COMM_LENGTH = 15,
    MIN_MAPPING = 3 * sizeof(uint64_t) + 1,
};

struct note {
    uint32_t type;
    uint64_t desc; /* offset in the file */
    uint32_t size;
};

/* False also if the descriptor is too short. */
static bool read_desc(const struct core_file *core, const struct note *note, void *to, size_t size)
{
    return note->size >= size && core_file_pread(core, note->desc, to, size) == size;
}

/* ---- threads ------------------------------------------------------------------- */

/* In a core of the kernel these are the only signals. gcore writes 0, or the signal that stopped the
 * thread. */
static bool ends_with_core(int signal)
{
    static const int fatal[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        if (fatal[i] == signal)
            return true;
    return false;
}

static bool take_thread(struct core_file *core, struct core_notes *notes, const struct note *note)
{
    struct elf_prstatus status;
    if (!read_desc(core, note, &status, sizeof(status)) || status.pr_pid <= 0 ||
        core->thread_count == MAX_THREADS) {
        notes->cut = true;
        return true;
    }
    if (!ARRAY_GROW(core->threads, core->thread_count))
        return false;
    if (core->thread_count == 0 && ends_with_core(status.pr_cursig)) {
        core->signal = status.pr_cursig;
        core->crashed = status.pr_pid;
    }
    struct core_thread *thread = &core->threads[core->thread_count++];
    thread->tid = status.pr_pid;
    memcpy(&thread->regs, &status.pr_reg, sizeof(thread->regs));
    return true;
}

/* A path may have the name also as a directory. NULL: no last component of a path begins with the name. */
static const char *find_file_name(const char *line, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(line, name); at; at = strstr(at + 1, name)) {
        bool begins = at == line || at[-1] == '/' || at[-1] == ' ';
        if (begins && at[length + strcspn(at + length, "/ ")] != '/')
            return at;
    }
    return NULL;
}

/* The kernel truncates the name to 15 bytes, gdb to 16. The command line, of 80 bytes, may have the rest. */
static void take_command(struct core_file *core, const struct elf_prpsinfo *info)
{
    char line[sizeof(info->pr_psargs) + 1] = "", name[sizeof(info->pr_fname) + 1] = "";
    memcpy(line, info->pr_psargs, sizeof(info->pr_psargs));
    memcpy(name, info->pr_fname, sizeof(info->pr_fname));
    size_t length = strlen(name);
    const char *whole = length >= COMM_LENGTH ? find_file_name(line, name) : NULL;
    if (whole)
        length += strcspn(whole + length, " ");
    snprintf(core->command, sizeof(core->command), "%.*s", (int)length, whole ? whole : name);
}

static void take_process(struct core_file *core, const struct note *note)
{
    struct elf_prpsinfo info;
    if (!read_desc(core, note, &info, sizeof(info)))
        return;
    core->pid = info.pr_pid > 0 ? info.pr_pid : 0;
    core->parent_pid = info.pr_ppid > 0 ? info.pr_ppid : 0;
    take_command(core, &info);
}

static void take_auxv(struct core_file *core, const struct note *note)
{
    Elf64_auxv_t pair;
    for (uint32_t at = 0; at + sizeof(pair) <= note->size && at < 4096; at += sizeof(pair)) {
        if (core_file_pread(core, note->desc + at, &pair, sizeof(pair)) != sizeof(pair))
            return;
        if (pair.a_type == AT_SYSINFO_EHDR)
            core->vdso = pair.a_un.a_val;
        else if (pair.a_type == AT_RANDOM)
            core->main_stack = pair.a_un.a_val;
    }
}

/* ---- mapped files ---------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
    const struct core_mapping *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void take_mappings(struct core_file *core, const char *desc, char *names, const char *end,
                          size_t count, uint64_t unit)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && names < end; i++) {
        uint64_t fields[3]; /* start, end, offset in units */
        char *path = names;
        names += strlen(names) + 1; /* before it is made shorter */
        memcpy(fields, desc + i * sizeof(fields), sizeof(fields));
        struct core_mapping *mapping = &core->mappings[kept];
        *mapping = (struct core_mapping){.start = fields[0], .end = fields[1]};
        if (fields[0] >= fields[1] || __builtin_mul_overflow(fields[2], unit, &mapping->offset))
            continue;
        mapping->path = path;
        mapping->deleted = path_cut_deleted(path);
        kept++;
    }
    qsort(core->mappings, kept, sizeof(*core->mappings), by_start);
    for (size_t i = 0; i < kept; i++)
        if (!core->mapping_count || core->mappings[i].start >= core->mappings[core->mapping_count - 1].end)
            core->mappings[core->mapping_count++] = core->mappings[i];
}

/* count, unit of the offsets; start, end, offset of each; then their names, each with its NUL. */
static bool take_files(struct core_file *core, struct core_notes *notes, const struct note *note)
{
    uint64_t head[2];
    if (core->mappings)
        return true;
    size_t size = note->size;
    char *desc = size >= sizeof(head) && size <= MAX_FILE_NOTE ? malloc(size + 1) : NULL;
    if (!desc) {
        notes->cut = true;
        return true;
    }
    size_t got = core_file_pread(core, note->desc, desc, size);
    memset(desc + got, 0, size + 1 - got);
    memcpy(head, desc, sizeof(head));
    uint64_t fit = (size - sizeof(head)) / MIN_MAPPING;
    notes->cut |= got < size || head[0] > fit;
    size_t count = head[0] < fit ? head[0] : fit;
    core->strings = desc;
    core->mappings = calloc(count + 1, sizeof(*core->mappings));
    if (!core->mappings)
        return false;
    size_t names = sizeof(head) + (head[0] < fit ? head[0] : fit) * 3 * sizeof(uint64_t);
    if (head[0] <= fit && names < got)
        take_mappings(core, desc + sizeof(head), desc + names, desc + got, count, head[1]);
    return true;
}

/* ---- all of them ----------------------------------------------------------------- */

static bool take_note(struct core_file *core, struct core_notes *notes, const struct note *note)
{
    switch (note->type) {
    case NT_PRSTATUS:
        return take_thread(core, notes, note);
    case NT_PRPSINFO:
        take_process(core, note);
        return true;
    case NT_AUXV:
        take_auxv(core, note);
        return true;
    case NT_FILE:
        return take_files(core, notes, note);
    default:
        return true;
    }
}

bool core_notes_read(struct core_file *core, struct core_notes *notes, uint64_t offset, uint64_t size)
{
    static const char owner[] = "CORE";
    uint64_t at = 0;
    while (size - at >= sizeof(Elf64_Nhdr)) {
        struct {
            Elf64_Nhdr header;
            char name[sizeof(owner)];
        } start = {.name = ""};
        size_t got = core_file_pread(core, offset + at, &start, sizeof(start));
        uint64_t desc = at + sizeof(start.header) + ((start.header.n_namesz + UINT64_C(3)) & ~UINT64_C(3));
        uint64_t next = desc + ((start.header.n_descsz + UINT64_C(3)) & ~UINT64_C(3));
        if (got < sizeof(start.header) || start.header.n_namesz == 0 || next > size || notes->quota == 0) {
            notes->cut = true;
            return true;
        }
        notes->quota--;
        const struct note note = {start.header.n_type, offset + desc, start.header.n_descsz};
        if (start.header.n_namesz == sizeof(owner) && memcmp(start.name, owner, sizeof(owner)) == 0 &&
            !take_note(core, notes, &note))
            return false;
        at = next;
    }
    return true;
}
