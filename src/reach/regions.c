/*
 * Which memory is a root, which contains objects, and which pages of it are copied.
 *
 * Pages that were never touched, or that still have the contents of a private mapping's file, contain no
 * address of an object: nobody wrote one there. So they are not read, and a program with many reserved
 * gigabytes is no problem.
 */
#include "reach/collector.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "common/ledger.h"
#include "common/wakes.h"
#include "proc/status.h"
#include "reach/caveat.h"
#include "reach/modules.h"

#define GO_ARENAS UINT64_C(0xc000000000)

struct dividing {
    struct reach_collector *collector;
    const struct snapshot *snapshot;
    struct reach_modules modules;
    uint64_t heap;               /* where the heap of brk(2) begins in a core file; 0: unknown */
    struct reach_range holes[3]; /* of the shim, in anonymous memory: births, the stack of the end, wakes */
};

static bool add(struct dividing *dividing, uint64_t start, uint64_t end, enum reach_region_kind kind)
{
    struct reach_image *image = &dividing->collector->image;
    if (start >= end)
        return true;
    if (!ARRAY_GROW(image->regions, image->region_count))
        return false;
    image->regions[image->region_count++] = (struct reach_region){start, end, kind};
    return true;
}

static bool is_memory_file(const char *path)
{
    static const char *const beginnings[] = {"/memfd:", "/dev/shm/",       "/dev/zero",
                                             "/SYSV",   "/dev/hugepages/", "[anon_shmem:"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
        if (text_begins_with(path, beginnings[i]))
            return true;
    return false;
}

/* ---- the shim: its ledger has the start arguments of all threads ---- */

static bool read_ledger(const struct snapshot *snapshot, const struct region *region,
                        struct ledger_header *header)
{
    return (region->shared || is_memory_file(region->path)) && region->readable &&
           snapshot_read_live(snapshot, region->start, header, sizeof(*header)) &&
           memcmp(header->magic, LEDGER_MAGIC, sizeof(header->magic)) == 0;
}

/* The thread that ends the process runs on memory of the shim, where it has written about all threads. */
static struct reach_range own_stack(const struct dividing *dividing, const struct ledger_header *header)
{
    const struct snapshot *snapshot = dividing->snapshot;
    for (size_t i = 0; i < snapshot->count; i++)
        if (dividing->collector->ending && snapshot->threads[i].tid == dividing->collector->ending &&
            snapshot->threads[i].sp - header->own_stack < LEDGER_OWN_STACK)
            return (struct reach_range){header->own_stack, header->own_stack + LEDGER_OWN_STACK};
    return (struct reach_range){0, 0};
}

static uint64_t bit_of(uint32_t signal)
{
    return signal >= 1 && signal <= 64 ? UINT64_C(1) << (signal - 1) : 0;
}

static void set_ledger(struct reach_collector *collector, const struct ledger_header *header, uint64_t start)
{
    const struct ledger_extent *slots = &header->sections[SECTION_SLOTS];
    collector->shim_signals = bit_of(header->capture_signal) | bit_of(header->dump_signal);
    collector->slots = slots->record_size == sizeof(struct ledger_slot) ? start + slots->offset : 0;
    collector->slot_count = slots->used < slots->cap ? slots->used : slots->cap;
}

static void find_holes(struct dividing *dividing)
{
    const struct snapshot *snapshot = dividing->snapshot;
    struct ledger_header header;
    for (size_t i = 0; i < snapshot->space.count; i++)
        if (read_ledger(snapshot, &snapshot->space.regions[i], &header)) {
            dividing->holes[0] = (struct reach_range){header.births, header.births_end};
            dividing->holes[1] = own_stack(dividing, &header);
            set_ledger(dividing->collector, &header, snapshot->space.regions[i].start);
            dividing->collector->image.glibc.shim_tls = header.own_tls;
            dividing->collector->image.glibc.shim_tls_size = header.own_tls_size;
            dividing->holes[2] =
                (struct reach_range){header.wakes, header.wakes ? header.wakes + WAKE_TABLE_SIZE : 0};
        }
}

/* ---- kinds of mappings ---- */

static bool is_anonymous(const struct region *region)
{
    return !region->shared && (!region->path[0] || text_begins_with(region->path, "[anon:") ||
                               strcmp(region->path, "[heap]") == 0);
}

/* Neither memory nor a file: devices, the vdso. Their contents are of the kernel or of a driver. */
static bool is_device(const struct region *region)
{
    return !is_memory_file(region->path) &&
           (text_begins_with(region->path, "/dev/") || text_begins_with(region->path, "anon_inode:") ||
            (region->path[0] == '[' && !is_anonymous(region) && strcmp(region->path, "[stack]") != 0));
}

/* Another mapping of the same file may be writable. */
static bool is_written(const struct snapshot *snapshot, const struct region *region)
{
    if (region->writable || is_memory_file(region->path))
        return true;
    for (size_t i = 0; i < snapshot->space.count; i++) {
        const struct region *other = &snapshot->space.regions[i];
        if (other->shared && other->writable && other->inode == region->inode && other->inode)
            return true;
    }
    return false;
}

static void set_caveats(struct reach_image *image, const struct region *region)
{
    if (is_anonymous(region) && region->executable)
        image->caveats |= REACH_BIT(GENERATED);
    if (strstr(region->path, "io_uring"))
        image->caveats |= REACH_BIT(URING);
    if (strcmp(region->path, "/[aio]") == 0)
        image->caveats |= REACH_BIT(AIO);
    if (is_anonymous(region) && region->start == GO_ARENAS)
        image->caveats |= REACH_BIT(RUNTIME);
}

/* ---- one mapping ---- */

static bool add_shared(struct dividing *dividing, const struct region *region)
{
    struct ledger_header header;
    if (read_ledger(dividing->snapshot, region, &header))
        return add(dividing, region->start, region->end, REACH_IGNORED);
    if (!is_written(dividing->snapshot, region))
        return true;
    return add(dividing, region->start, region->end, REACH_ROOT) &&
           reach_pages_add(&dividing->collector->pages, region->start, region->end, false);
}

static bool add_file(struct dividing *dividing, const struct region *region)
{
    struct ledger_header header;
    if (dividing->collector->is_core && region->executable && !region->writable)
        return true;
    if (dividing->collector->is_core && read_ledger(dividing->snapshot, region, &header))
        return add(dividing, region->start, region->end, REACH_IGNORED);
    const struct reach_module *module = reach_modules_at(&dividing->modules, region->start);
    if (module && module->is_shim)
        return add(dividing, region->start, region->end, REACH_IGNORED);
    return add(dividing, region->start, region->end, REACH_ROOT) &&
           reach_pages_add(&dividing->collector->pages, region->start, region->end, true);
}

/* Without the memory of the shim. */
static bool add_private(struct dividing *dividing, uint64_t start, uint64_t end, enum reach_region_kind kind)
{
    if (start >= end)
        return true;
    for (size_t i = 0; i < sizeof(dividing->holes) / sizeof(*dividing->holes); i++) {
        const struct reach_range hole = dividing->holes[i];
        if (hole.start >= end || hole.end <= start || hole.start >= hole.end)
            continue;
        uint64_t from = hole.start > start ? hole.start : start, to = hole.end < end ? hole.end : end;
        return add_private(dividing, start, from, kind) && add(dividing, from, to, REACH_IGNORED) &&
               add_private(dividing, to, end, kind);
    }
    return add(dividing, start, end, kind) && reach_pages_add(&dividing->collector->pages, start, end, false);
}

/* The beginning may be the .bss of a module. */
static bool add_anonymous(struct dividing *dividing, const struct region *region)
{
    const struct reach_module *module = reach_modules_at(&dividing->modules, region->start);
    uint64_t start = region->start;
    bool is_heap = strcmp(region->path, "[heap]") == 0 || region->start == dividing->heap;
    if (module && !is_heap) {
        start = module->end < region->end ? module->end : region->end;
        if (module->is_shim ? !add(dividing, region->start, start, REACH_IGNORED)
                            : !add_private(dividing, region->start, start, REACH_ROOT))
            return false;
    }
    return add_private(dividing, start, region->end, is_heap ? REACH_BRK : REACH_PRIVATE);
}

/*
 * Of the main thread: its frames, and above them argv, environ and the auxiliary vector, to which libc always
 * refers. A reference to these is none to the frames.
 */
static bool add_stack(struct dividing *dividing, const struct region *region)
{
    struct task_stat stat;
    uint64_t divide = !dividing->collector->is_core && task_stat_read(dividing->snapshot->pid, 0, &stat)
                          ? stat.stack_start
                          : 0;
    if (divide <= region->start || divide >= region->end)
        divide = region->end;
    return add(dividing, region->start, divide, REACH_STACK) &&
           add(dividing, divide, region->end, REACH_ROOT) &&
           reach_pages_add(&dividing->collector->pages, region->start, region->end, false);
}

static bool add_region(struct dividing *dividing, const struct region *region)
{
    set_caveats(&dividing->collector->image, region);
    if (is_device(region))
        return true;
    if (region->shared)
        return add_shared(dividing, region);
    if (strcmp(region->path, "[stack]") == 0)
        return add_stack(dividing, region);
    return is_anonymous(region) ? add_anonymous(dividing, region) : add_file(dividing, region);
}

/* A core file does not say which mapping it is: the first anonymous one after the program, which is the
 * lowest module. */
static uint64_t heap_of_core(const struct dividing *dividing)
{
    const struct address_space *space = &dividing->snapshot->space;
    const uint64_t after = dividing->modules.count ? dividing->modules.items[0].end : 0;
    for (size_t i = 0; i < space->count; i++)
        if (space->regions[i].start >= after)
            return space->regions[i].path[0] ? 0 : space->regions[i].start;
    return 0;
}

bool reach_regions_find(struct reach_collector *collector, const struct snapshot *snapshot)
{
    struct dividing dividing = {.collector = collector, .snapshot = snapshot};
    bool done = reach_modules_read(&dividing.modules, collector, snapshot);
    find_holes(&dividing);
    if (collector->is_core)
        dividing.heap = heap_of_core(&dividing);
    for (size_t i = 0; done && i < snapshot->space.count; i++)
        done = add_region(&dividing, &snapshot->space.regions[i]);
    done = done && reach_pages_finish(&collector->pages);
    reach_modules_release(&dividing.modules);
    return done || reach_refuse(collector, "its address space is too large");
}
