#include "attach/probes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "snapshot/dynamic.h"
#include "snapshot/elf.h"

/* A return address, and the value of the argument of pthread_create, which most callers have in their frame.
 */
enum { CALLER_BYTES = 8, CREATED_BYTES = 1024, THRD_CREATE = 128 };

/* thrd_join and thrd_detach call these, and C++'s std::thread. */
static const char *const functions[PROBES] = {
    [PROBE_JOIN] = "pthread_join",
    [PROBE_DETACH] = "pthread_detach",
    [PROBE_CREATED] = "pthread_create",
    [PROBE_CREATE] = "pthread_create",
};

/* The mapped file itself: it can have been replaced, or be in another mount namespace. */
static bool find_path(struct probes *probes, const struct snapshot *snapshot, const struct region *region)
{
    int task = (int)snapshot_living_task(snapshot);
    snprintf(probes->path, sizeof(probes->path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, task,
             region->start, region->end);
    if (access(probes->path, R_OK) == 0)
        return true;
    struct stat status;
    snprintf(probes->path, sizeof(probes->path), "/proc/%d/root%s", task, region->path);
    return stat(probes->path, &status) == 0 && status.st_ino == region->inode;
}

/* The offset in the file of an address; false: it is in no segment. */
static bool file_offset(const struct snapshot_elf *elf, uint64_t address, uint64_t *offset)
{
    for (size_t i = 0; i < elf->count; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        uint64_t start = elf->bias + segment->p_vaddr;
        if (segment->p_type != PT_LOAD || address < start || address - start >= segment->p_filesz)
            continue;
        *offset = address - start + segment->p_offset;
        return true;
    }
    return false;
}

static void set_bounds(struct probes *probes, const struct snapshot_elf *elf)
{
    for (size_t i = 0; i < elf->count; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        uint64_t start = elf->bias + segment->p_vaddr, end = start + segment->p_memsz;
        if (segment->p_type != PT_LOAD)
            continue;
        if (!probes->start || start < probes->start)
            probes->start = start;
        if (end > probes->end)
            probes->end = end;
    }
}

static uint32_t stack_of(enum probe probe, uint32_t create)
{
    if (probe == PROBE_CREATE)
        return create;
    return probe == PROBE_CREATED ? CREATED_BYTES : CALLER_BYTES;
}

static bool add(struct probes *probes, enum probe probe, uint64_t address, const struct snapshot_elf *elf,
                uint32_t stack_bytes)
{
    struct perf_probe *item = &probes->items[probes->count];
    uint64_t offset;
    if (!address || !file_offset(elf, address, &offset))
        return false;
    *item = (struct perf_probe){probes->path, offset, probe == PROBE_CREATED, stack_of(probe, stack_bytes)};
    probes->kinds[probes->count++] = probe;
    return true;
}

/* Until 2.33 libpthread has the functions. */
static bool has_threads(const struct region *region)
{
    const char *name = path_basename(region->path);
    return region->offset == 0 && (strcmp(name, "libc.so.6") == 0 || strcmp(name, "libpthread.so.0") == 0);
}

static bool find_in(struct probes *probes, const struct snapshot *snapshot, const struct region *region,
                    uint32_t stack_bytes)
{
    struct snapshot_elf elf;
    struct snapshot_dynamic dynamic;
    bool creates = false;
    if (!snapshot_read_elf(snapshot, region, &elf) || !snapshot_dynamic_read(&dynamic, snapshot, &elf) ||
        !snapshot_dynamic_find(&dynamic, "pthread_create") || !find_path(probes, snapshot, region))
        return false;
    for (enum probe probe = 0; probe < PROBES; probe++) {
        uint64_t address = snapshot_dynamic_find(&dynamic, functions[probe]);
        bool added = add(probes, probe, address, &elf, stack_bytes);
        creates = added && probe == PROBE_CREATE;
    }
    set_bounds(probes, &elf);
    probes->c11 = snapshot_dynamic_find(&dynamic, "thrd_create");
    probes->c11_end = probes->c11 + (probes->c11 ? THRD_CREATE : 0);
    return creates;
}

bool probes_find(struct probes *probes, const struct snapshot *snapshot, uint32_t stack_bytes,
                 struct error *error)
{
    memset(probes, 0, sizeof(*probes));
    for (size_t i = 0; i < snapshot->space.count; i++)
        if (has_threads(&snapshot->space.regions[i]) &&
            find_in(probes, snapshot, &snapshot->space.regions[i], stack_bytes))
            return true;
    return error_set(error,
                     "process %d: no pthread_create of glibc was found in it: a static program, or "
                     "another C library",
                     (int)snapshot->pid);
}
